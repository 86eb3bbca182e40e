import ChatRooms
import Drivers
import Foundation

@testable import HistoryIndex

/// A database of its own on the server that `PALAVER_TEST_MYSQL` names, with the schema and some rooms.
struct JournalFixture {
  static let server = ProcessInfo.processInfo.environment["PALAVER_TEST_MYSQL"]

  let url: MySQLURL
  let pool: MySQLPool
  let journal: MySQLJournal
  let leases: MySQLLaneLeases
  let john = User(id: 7, name: "John", displayName: nil, createdAt: 0)

  static func with<Result>(rooms: Int = 2, _ body: (JournalFixture) async throws -> Result) async throws -> Result {
    let server = try MySQLURL(self.server ?? "")
    let name = "palaver_journal_\(UInt32.random(in: .min ... .max))"
    let admin = try MySQLConnection(server)
    try admin.execute("CREATE DATABASE \(name)")
    defer { _ = try? admin.execute("DROP DATABASE \(name)") }
    let fixture = try await JournalFixture(server.selecting(database: name), rooms: rooms)
    return try await body(fixture)
  }

  private init(_ url: MySQLURL, rooms: Int) async throws {
    self.url = url
    pool = MySQLPool(url, size: 4)
    journal = MySQLJournal(pool, url)
    leases = MySQLLaneLeases(pool)
    _ = try await SchemaMigrator.migrate(pool)
    for id in 1...Int64(rooms) {
      let room = room(id)
      try await pool.execute(
        "INSERT INTO rooms (id, unique_name, kind, lane, routing, created_at) VALUES (?, ?, 1, ?, ?, 0)",
        [.integer(id), .text("room \(id)"), .integer(Int64(room.lane)), .text(room.routing)])
      try await pool.execute("INSERT INTO room_positions (room_id, epoch) VALUES (?, 'e')", [.integer(id)])
    }
  }

  func room(_ id: RoomID) -> Room {
    Room(
      id: id, name: "room \(id)", topic: nil, kind: .public, lane: Int(id % 16), routing: "\(id)", createdAt: 0)
  }

  func send(_ text: String, to room: RoomID = 1, ref: String? = nil, by user: User? = nil) -> Submission {
    Submission(
      room: self.room(room), action: .send(text: text, data: nil, replyTo: nil), actor: user ?? john, ref: ref)
  }

  /// Commits one submission, again while its lane is busy.
  func commit(_ submission: Submission, _ committer: any JournalCommitter) throws -> Outcome {
    let deadline = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < deadline {
      if let outcome = try committer.commit([submission]).first, !outcome.isBusy { return outcome }
    }
    return .busy
  }
}
