import ChatRooms
import Drivers
import Foundation

/// The embedded profile's journal: one lane, and no table of events.
///
/// `messages` is journal and history at once, and what is committed is in the index of words with it, so `indexed` is
/// always the head. A single process delivers its commits itself.
public final class SQLiteJournal: Journal {
  let database: SQLiteDatabase
  let clock: CommitClock
  /// The lane of every room.
  static let lane = 0

  public init(
    database: SQLiteDatabase,
    now: @escaping @Sendable () -> Milliseconds = { Milliseconds(Date().timeIntervalSince1970 * 1_000) }
  ) {
    self.database = database
    clock = CommitClock(now: now)
  }

  public let laneCount = 1

  public func makeCommitter() -> any JournalCommitter { SQLiteCommitter(database: database, clock: clock) }

  public func heads() async throws -> [LaneHead] {
    let head = try await database.read { try Self.head($0) }
    return [LaneHead(lane: Self.lane, head: head, indexed: head)]
  }

  static func head(_ connection: any SQLConnection) throws -> Int64 {
    try connection.query("SELECT head FROM journal_lanes WHERE lane = ?", [.integer(Int64(lane))]).first?.integer(0)
      ?? 0
  }

  /// None: they were delivered by whoever committed them, and the messages have taken them in.
  public func events(lane: Int, after position: Int64, limit: Int) async throws -> [RoomEvent] { [] }

  public func position(of room: RoomID) async throws -> RoomPosition? {
    let rows = try await database.query(
      "SELECT epoch, last_event, last_seq, last_message_at FROM room_positions WHERE room_id = ?", [.integer(room)])
    guard let row = rows.first, let epoch = row.text(0), let lastEvent = row.integer(1), let lastSeq = row.integer(2)
    else { return nil }
    return RoomPosition(epoch: epoch, lastEvent: lastEvent, lastSeq: lastSeq, lastMessageAt: row.integer(3))
  }

  public func messages(in room: RoomID, seqs: ClosedRange<Int64>) async throws -> [Message] {
    try await database.read { try SQLiteMessages.messages(in: room, seqs: seqs, $0) }
  }

  public func messages(in room: RoomID, seqs: [Int64]) async throws -> [Message] {
    try await database.read { try SQLiteMessages.messages(in: room, seqs: seqs, $0) }
  }

  public func changes(in room: RoomID, after event: Int64, limit: Int) async throws -> [RoomChange] {
    let sql = """
      SELECT event, seq, kind, last_seq FROM room_changes WHERE room_id = ? AND event > ? ORDER BY event LIMIT ?
      """
    let parameters: [SQLValue] = [.integer(room), .integer(event), .integer(Int64(max(0, limit)))]
    return try await database.query(sql, parameters).compactMap(RoomChange.init)
  }
}

extension RoomChange {
  /// From `event, seq, kind, last_seq`.
  init?(_ row: SQLRow) {
    guard let event = row.integer(0), let seq = row.integer(1), let lastSeq = row.integer(3),
      let kind = row.integer(2).flatMap(UInt8.init(exactly:)).flatMap(RoomEvent.Kind.init)
    else { return nil }
    self.init(event: event, seq: seq, kind: kind, lastSeq: lastSeq)
  }
}
