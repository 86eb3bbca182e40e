import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// What a batch costs the embedded database, counted in statements.
@Suite struct SQLiteStatementCountTests {
  /// Counts what goes through it.
  private final class CountingConnection: SQLConnection {
    private let base: any SQLConnection
    private(set) var texts: [String] = []

    init(_ base: any SQLConnection) { self.base = base }

    var dialect: SQLDialect { base.dialect }

    func execute(_ sql: String, _ parameters: [SQLValue]) throws -> SQLResult {
      texts.append(sql)
      return try base.execute(sql, parameters)
    }

    func query(_ sql: String, _ parameters: [SQLValue]) throws -> [SQLRow] {
      texts.append(sql)
      return try base.query(sql, parameters)
    }

    func transaction<Result>(_ body: () throws -> Result) throws -> Result { try base.transaction(body) }
  }

  @Test func aMessageIsThreeStatementsOfAFewTexts() async throws {
    let profile = try await EmbeddedProfile(now: { 1_700_000_000_000 })
    let john = try await profile.user("John")
    let room = try await profile.room("tea", by: john)
    let batch = (0..<100).map { Submission.sending("text \($0)", to: room, by: john, ref: "r\($0)") }
    let (reads, writes) = try profile.database.writeAndWait { connection in
      let (reading, writing) = (CountingConnection(connection), CountingConnection(connection))
      try connection.transaction {
        let plan = LaneBatch(batch, try SQLiteReadings.of(batch, reading), now: 1_700_000_000_000)
        try plan.write(with: SQLiteMessageWriter(), now: 1_700_000_000_000, writing)
      }
      return (reading.texts, writing.texts)
    }
    // A ref each, and the head, the room and the author of all.
    #expect(reads.count <= 100 + 3)
    // A row and its words each, and the newest id, the counters and the head of all.
    #expect(writes.count <= 2 * 100 + 3)
    // Each is prepared once.
    #expect(Set(reads + writes).count <= 9)
  }
}
