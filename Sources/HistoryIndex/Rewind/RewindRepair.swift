import ChatRooms
import Drivers
import Foundation

/// What says that the database has gone back.
struct RewindEvidence: Sendable {
  /// The newest positions that anybody knows of.
  var seen: [Int: Int64] = [:]
  /// Lanes whose head lies below.
  var lanes: [Int] = []
  /// Documents that the database cannot have come to.
  var documents: [RoomEvent] = []
  /// A repair was begun and has not ended.
  var isUnfinished = false
  /// An operator wants it repaired.
  var isDemanded = false

  var isEmpty: Bool { lanes.isEmpty && documents.isEmpty && !isUnfinished && !isDemanded }

  var description: String {
    var parts: [String] = []
    if !lanes.isEmpty { parts.append("lanes went back: \(lanes.map(String.init).joined(separator: " "))") }
    let rooms = Set(documents.map(\.room)).sorted()
    if !rooms.isEmpty {
      let some = rooms.prefix(20).map(String.init).joined(separator: " ")
      parts.append("the index is ahead in \(rooms.count) rooms: \(some)")
    }
    if isUnfinished { parts.append("begun before") }
    if isDemanded { parts.append("an operator said so") }
    return parts.joined(separator: "; ")
  }

  /// Whether it still is so: another server may have repaired the database meanwhile.
  func holds(_ connection: any SQLConnection) throws -> Bool {
    if isDemanded { return true }
    let heads = try RewindTables.heads(connection)
    if seen.contains(where: { heads[$0.key] ?? 0 < $0.value }) { return true }
    let counters = try RewindTables.counters(of: Set(documents.map(\.room)), connection)
    return documents.contains { document in counters[document.room].map { RoomRecovery.isLost(document, $0) } ?? true }
  }
}

/// What a repair did.
public struct RewindReport: Sendable, Equatable {
  /// Messages and changes that were brought back from the index.
  public var messages = 0
  /// Messages whose numbers are known and nothing else: they count as deleted.
  public var holes = 0

  public init() {}
}

/// Finds out whether the database has gone back in time, and repairs that: what the index still has comes back into the
/// journal, all numbers are raised above what anybody has seen, and every room gets a new epoch.
///
/// Safe with several servers at once, and after a crash in its middle: each room is adopted in a transaction that looks
/// again, and the end is one transaction.
public struct RewindRepair: Sendable {
  private let tables: RewindTables
  private let index: IndexWitness
  private let now: @Sendable () -> Milliseconds

  /// Pages of the newest writes without anything lost, after which no earlier one is looked at. Indexers follow the
  /// journal closely, so that lost writes lie together at the end.
  private static let quietPages = 10

  public init(
    database: any SQLDatabase, index: IndexWitness,
    now: @escaping @Sendable () -> Milliseconds = { Milliseconds(Date().timeIntervalSince1970 * 1_000) }
  ) {
    tables = RewindTables(database: database)
    self.index = index
    self.now = now
  }

  var hasUnfinished: Bool { get async throws { try await tables.hasUnfinished() } }

  /// Of the newest writes to the index, those that the database cannot have come to. Empty if all is well.
  func evidenceInIndex(timeout: Duration) async throws -> [RoomEvent] {
    let documents: [RoomEvent]
    do {
      documents = try await index.newestWrites(after: nil, timeout: timeout).documents
    } catch let error as ElasticsearchError where error.status == 404 {
      // No index yet: a new installation.
      return []
    }
    return try await lost(documents, since: try await tables.installedAt())
  }

  /// - Parameter start: older documents are another installation's, whose index has the same prefix.
  private func lost(_ documents: [RoomEvent], since start: Milliseconds) async throws -> [RoomEvent] {
    let counters = try await tables.counters(of: Set(documents.map(\.room)))
    return documents.filter { document in
      guard document.message.timestamp >= start else { return false }
      return counters[document.room].map { RoomRecovery.isLost(document, $0) } ?? true
    }
  }

  /// An operator knows that the database was put back, whatever can be seen of it.
  public func run() async throws -> RewindReport? { try await run(RewindEvidence(isDemanded: true)) }

  /// All that can be done where the database is everything: clients forget their positions, and no number is used twice.
  public static func changeEpochs(of database: any SQLDatabase) async throws {
    try await database.withTransaction {
      try RewindTables.changeEpochs($0)
      try ErasureLedger.repeatAll($0)
    }
  }

  /// - Returns: `nil` if another server was faster.
  func run(_ evidence: RewindEvidence) async throws -> RewindReport? {
    let rewind = try await tables.begin(evidence.description, now: now()) { connection in
      try evidence.holds(connection)
    }
    guard let rewind else { return nil }
    try await index.refresh()
    var report = RewindReport()
    var users: UserID = 0
    for (room, documents) in try await lostChanges() {
      try await adopt(documents, into: room, &report, &users)
    }
    let rooms = try await adoptLostMessages(&report, &users)
    try await tables.raiseIDs(rooms: rooms, users: users)
    let isDone = try await tables.finish(
      rewind, seen: evidence.seen, messages: report.messages, holes: report.holes, now: now())
    return isDone ? report : nil
  }

  /// Changes of messages that the database has, by room. They come first: afterwards the rooms' counters are higher.
  private func lostChanges() async throws -> [RoomID: [RoomEvent]] {
    let start = try await tables.installedAt()
    var found: [RoomID: [RoomEvent]] = [:]
    var place: String?
    var quiet = 0
    repeat {
      let page = try await index.newestWrites(after: place, timeout: .seconds(30))
      let lost = try await lost(page.documents, since: start)
      quiet = lost.isEmpty ? quiet + 1 : 0
      let counters = try await tables.counters(of: Set(lost.map(\.room)))
      for document in lost where document.message.seq <= counters[document.room]?.lastSeq ?? 0 {
        found[document.room, default: []].append(document)
      }
      place = page.next
    } while place != nil && quiet < Self.quietPages
    return found
  }

  /// Returns the highest room id that the index knows.
  private func adoptLostMessages(_ report: inout RewindReport, _ users: inout UserID) async throws -> RoomID {
    let start = try await tables.installedAt()
    var last: RoomID = 0
    while true {
      let page = try await index.newestMessages(after: last)
      let counters = try await tables.counters(of: Set(page.map(\.room)))
      for (room, seq) in page {
        guard let known = counters[room] else {
          try await adoptMessages(of: room, after: 0, since: start, &report, &users)
          continue
        }
        if seq > known.lastSeq, !known.isImporting, !known.isClosed {
          try await adoptMessages(of: room, after: known.lastSeq, since: nil, &report, &users)
        }
      }
      guard let end = page.last else { return last }
      last = end.room
    }
  }

  /// - Parameter start: of a room that the database does not know, only messages from then on are this installation's.
  private func adoptMessages(
    of room: RoomID, after seq: Int64, since start: Milliseconds?, _ report: inout RewindReport, _ users: inout UserID
  ) async throws {
    var last = seq
    while true {
      let page = try await index.messages(in: room, after: last)
      if let start, let first = page.first, first.message.timestamp < start { return }
      guard let end = page.last else { return }
      try await adopt(page, into: room, &report, &users)
      last = end.message.seq
    }
  }

  private func adopt(
    _ documents: [RoomEvent], into room: RoomID, _ report: inout RewindReport, _ users: inout UserID
  ) async throws {
    users = documents.map(\.message.userID).reduce(users, max)
    let adopted = try await tables.adopt(documents, into: room, now: now())
    report.messages += adopted.rows - adopted.holes
    report.holes += adopted.holes
  }
}
