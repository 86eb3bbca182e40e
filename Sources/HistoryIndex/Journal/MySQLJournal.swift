import ChatRooms
import Drivers
import Foundation

/// The journal in MySQL's table `journal`, ordered lane by lane under the locks of `journal_lanes`' rows.
public final class MySQLJournal: Journal {
  public let laneCount = SchemaMigrator.laneCount
  let database: any SQLDatabase
  private let url: MySQLURL
  private let options: MySQLOptions
  private let outage: MySQLOutage?
  private let clock: @Sendable () -> Milliseconds
  private let protected: RewindGuard?
  private let flushes = FlushGroup()
  private let laneHeads: BatchedReads<Int, Int64>

  /// Seconds that a writer's transaction may lie idle, its process paused, before MariaDB ends it.
  private static let idleTransactionTimeout: UInt32 = 3
  /// The most seconds that a writer waits for a reply.
  private static let readTimeout: UInt32 = 10

  /// - Parameters:
  ///   - database: reads go here.
  ///   - url: each committer makes a connection of its own to it.
  ///   - outage: what the connections of `database` know of a server that says nothing. They find out when it is back.
  ///   - protected: keeps committers from writing while the database may have gone back.
  ///   - clock: the time that events are stamped with.
  public init(
    _ database: any SQLDatabase, _ url: MySQLURL, options: MySQLOptions = MySQLOptions(),
    outage: MySQLOutage? = nil, protected: RewindGuard? = nil,
    clock: @escaping @Sendable () -> Milliseconds = { Milliseconds(Date().timeIntervalSince1970 * 1_000) }
  ) {
    self.database = database
    laneHeads = BatchedReads(database, most: 10_000) { _, connection in
      let rows = try connection.query("SELECT lane, head FROM journal_lanes")
      return Dictionary(rows.map { (Int($0.integer(0) ?? 0), $0.integer(1) ?? 0) }) { first, _ in first }
    }
    self.url = url
    self.outage = outage
    self.clock = clock
    self.protected = protected
    var options = options
    options.allowsMultipleStatements = true
    options.idleTransactionTimeout = Self.idleTransactionTimeout
    options.readTimeout = min(options.readTimeout, Self.readTimeout)
    self.options = options
  }

  public func makeCommitter() -> any JournalCommitter {
    MySQLJournalCommitter(url, options: options, outage: outage, protected: protected, clock: clock)
  }

  public func flush() async throws {
    try await flushes.join { [database] in
      try await database.execute(
        "INSERT INTO journal_flushes (one, count) VALUES (1, 1) ON DUPLICATE KEY UPDATE count = count + 1")
    }
  }

  public func heads() async throws -> [LaneHead] {
    try await database.query("SELECT lane, head, indexed FROM journal_lanes ORDER BY lane").map { row in
      LaneHead(lane: Int(row.integer(0) ?? 0), head: row.integer(1) ?? 0, indexed: row.integer(2) ?? 0)
    }
  }

  public func head(ofLane lane: Int) async throws -> Int64 { try await laneHeads.value(for: lane) }

  /// The locks end with the statement. A writer that comes just then takes the lane in its next turn.
  public func quietLanes() async throws -> Set<Int> {
    let rows = try await database.query("SELECT lane FROM journal_lanes FORCE INDEX (PRIMARY) FOR UPDATE SKIP LOCKED")
    return Set(rows.compactMap { $0.integer(0).map(Int.init) })
  }

  public func events(lane: Int, after position: Int64, limit: Int) async throws -> [RoomEvent] {
    try await database.query(
      "SELECT \(JournalTable.columns) FROM journal WHERE lane = ? AND position > ? ORDER BY position LIMIT ?",
      [.integer(Int64(lane)), .integer(position), .integer(Int64(max(0, limit)))]
    ).map(JournalTable.event)
  }

  public func position(of room: RoomID) async throws -> RoomPosition? {
    let rows = try await database.query(
      "SELECT epoch, last_event, last_seq, last_message_at FROM room_positions WHERE room_id = ?", [.integer(room)])
    return rows.first.map { row in
      RoomPosition(
        epoch: row.text(0) ?? "", lastEvent: row.integer(1) ?? 0, lastSeq: row.integer(2) ?? 0,
        lastMessageAt: row.integer(3))
    }
  }

  public func messages(in room: RoomID, seqs: ClosedRange<Int64>) async throws -> [Message] {
    // Row 0 is that of removals and closures, which are no messages.
    let rows = try await database.query(
      """
      SELECT \(JournalTable.columns) FROM journal \
      WHERE room_id = ? AND seq BETWEEN ? AND ? AND seq > 0 ORDER BY seq, event
      """, [.integer(room), .integer(seqs.lowerBound), .integer(seqs.upperBound)])
    return try Self.presentStates(rows)
  }

  public func messages(in room: RoomID, seqs: [Int64]) async throws -> [Message] {
    var found: [Message] = []
    let sorted = Set(seqs).filter { $0 > 0 }.sorted()
    for start in stride(from: 0, to: sorted.count, by: Self.largestList) {
      let part = sorted[start..<min(start + Self.largestList, sorted.count)]
      found += try await messages(in: room, listed: part)
    }
    return found
  }

  public func changes(in room: RoomID, after event: Int64, limit: Int) async throws -> [RoomChange] {
    try await database.query(
      "SELECT event, seq, kind, last_seq FROM room_changes WHERE room_id = ? AND event > ? ORDER BY event LIMIT ?",
      [.integer(room), .integer(event), .integer(Int64(max(0, limit)))]
    ).compactMap { row in
      guard let kind = row.integer(2).flatMap(UInt8.init(exactly:)).flatMap(RoomEvent.Kind.init) else { return nil }
      return RoomChange(
        event: row.integer(0) ?? 0, seq: row.integer(1) ?? 0, kind: kind, lastSeq: row.integer(3) ?? 0)
    }
  }

  /// Messages asked for in one statement.
  private static let largestList = 512

  private func messages(in room: RoomID, listed seqs: ArraySlice<Int64>) async throws -> [Message] {
    guard let last = seqs.last else { return [] }
    // Lists are filled up to a power of two by repetition, so that there are few different statements to prepare.
    let size = (0...).lazy.map { 1 << $0 }.first { $0 >= seqs.count } ?? seqs.count
    let list = seqs + Array(repeating: last, count: size - seqs.count)
    let rows = try await database.query(
      """
      SELECT \(JournalTable.columns) FROM journal \
      WHERE room_id = ? AND seq IN (\(SQLDialect.placeholders(size))) ORDER BY seq, event
      """, [.integer(room)] + list.map(SQLValue.integer))
    return try Self.presentStates(rows)
  }

  /// Each row is the whole state of its message, so that the last one is the present state, even where the earlier ones
  /// were trimmed.
  private static func presentStates(_ rows: [SQLRow]) throws -> [Message] {
    var messages: [Message] = []
    for row in rows {
      let message = try JournalTable.event(row).message
      if messages.last?.seq == message.seq { messages.removeLast() }
      messages.append(message)
    }
    return messages
  }
}
