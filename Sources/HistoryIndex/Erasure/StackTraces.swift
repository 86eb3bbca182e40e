import ChatRooms
import Drivers

/// The stack's: the journal, every generation of the index, dead letters. What Redis and the servers' memories hold
/// follows the events by itself, or ends within a minute.
public struct StackTraces: MessageTraces {
  private static let poll: Duration = .milliseconds(100)
  private static let indexPatience: Duration = .seconds(5)
  private static let lanePatience: Duration = .seconds(10)

  private let database: any SQLDatabase
  private let journal: any Journal
  private let client: ElasticsearchClient
  private let names: IndexNames

  public init(
    database: any SQLDatabase, journal: any Journal, client: ElasticsearchClient, names: IndexNames
  ) {
    self.database = database
    self.journal = journal
    self.client = client
    self.names = names
  }

  /// Each lane is seen without a commit under way: later ones find the erasure under the lane's lock.
  public func settle() async throws {
    var missing = Set(0..<journal.laneCount)
    let deadline = ContinuousClock.now + Self.lanePatience
    while true {
      missing.subtract(try await journal.quietLanes())
      if missing.isEmpty { return }
      guard ContinuousClock.now < deadline else { throw ErasureDelay("lanes are busy all the time") }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// The journal first: what is trimmed from it afterwards was in the index, refreshed, before.
  public func sweep(_ erasure: Erasure, change: ([MessageTrace]) async throws -> Void) async throws -> Int {
    let inJournal = try await JournalTraces(database: database).sweep(erasure, change: change)
    var rooms = TracedRooms(database)
    let inIndex = try await IndexTraces(client: client, index: names.read).forEachPage(of: erasure) { page in
      var traces: [MessageTrace] = []
      for message in page.map(\.message) {
        // Another installation's, which writes to the same index: not ours to change.
        guard let room = try await rooms.room(message.room) else { continue }
        traces.append(MessageTrace(room: room, message: message))
      }
      try await change(traces)
    }
    return inJournal + inIndex
  }

  public func catchUp() async throws { _ = try await isIndexed() }

  /// Whether all that is committed by now is in the index, refreshed, within some seconds.
  private func isIndexed() async throws -> Bool {
    let heads = try await journal.heads()
    let deadline = ContinuousClock.now + Self.indexPatience
    while true {
      let now = Dictionary(try await journal.heads().map { ($0.lane, $0.indexed) }, uniquingKeysWith: max)
      if heads.allSatisfy({ now[$0.lane] ?? 0 >= $0.head }) { break }
      guard ContinuousClock.now < deadline else { return false }
      try await Task.sleep(for: Self.poll)
    }
    return try await client.refresh(names.read).failed == 0
  }

  public func purge(_ erasure: Erasure) async throws -> String? {
    guard try await !ErasureRemains(database).isImporting(since: erasure) else { return ErasureRemains.importing }
    // An earlier state may be on its way into the index, or among the dead letters.
    guard try await isIndexed() else { return "the index is behind" }
    try await dropDeadLetters(of: erasure)
    try await dropChangeRefs(of: erasure)
    let left = try await OtherGenerations(client: client, names: names).clear(of: erasure)
    return left == 0 ? nil : "\(left) documents of another generation of the index"
  }

  /// The index has, or gets, a later state of these messages. In a document every quote of a text is escaped, so that
  /// this can be nothing but its member.
  private func dropDeadLetters(of erasure: Erasure) async throws {
    try await database.execute(
      "DELETE FROM dead_letters WHERE document LIKE ?", [.text("%\"user\\_id\":\(erasure.user),%")])
  }

  /// They hold digests of texts.
  private func dropChangeRefs(of erasure: Erasure) async throws {
    let rooms = try await database.query(
      """
      SELECT r.room_id FROM (SELECT DISTINCT room_id FROM change_refs) r WHERE EXISTS (
        SELECT 1 FROM change_refs c WHERE c.room_id = r.room_id AND c.user_id = ?
      )
      """, [.integer(erasure.user)])
    for room in rooms {
      try await database.execute(
        "DELETE FROM change_refs WHERE room_id = ? AND user_id = ?", row(room, erasure.user))
    }
  }

  private func row(_ room: SQLRow, _ user: UserID) -> [SQLValue] { [.integer(room.integer(0) ?? 0), .integer(user)] }
}

/// Something takes longer than an erasure waits at once.
struct ErasureDelay: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
