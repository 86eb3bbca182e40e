import ChatRooms
import Drivers

/// Commits batches to the embedded profile's database: `LaneBatch` decides, this reads before and writes after.
final class SQLiteCommitter: JournalCommitter {
  /// The words are indexed in the transaction, which makes one of 400 take 15 ms and one of 100, with its flush, 4.
  let batch = 100

  private let database: SQLiteDatabase
  private let clock: CommitClock
  private let writer = SQLiteMessageWriter()

  init(database: SQLiteDatabase, clock: CommitClock) {
    self.database = database
    self.clock = clock
  }

  func commit(_ batch: [Submission]) throws -> [Outcome] {
    let now = clock.begin()
    defer { clock.end(now) }
    let writer = writer
    return try database.writeAndWait { connection in
      try connection.transaction {
        let plan = LaneBatch(batch, try SQLiteReadings.of(batch, connection), now: now)
        try plan.write(with: writer, now: now, connection)
        return plan.outcomes
      }
    }
  }
}

extension LaneBatch {
  func write(
    with writer: SQLiteMessageWriter, now: Milliseconds, _ connection: any SQLConnection
  ) throws {
    try writer.beginTransaction(connection)
    for row in rows {
      switch row.event.kind {
      case .message: try writer.insert(row.event.message, ref: row.ref, connection)
      case .edit, .deletion: try writer.update(row.event.message, connection)
      case .removal, .closure, .imported: break
      }
      if row.event.kind != .message { try Self.insertChange(row.event, connection) }
    }
    for ref in changeRefs {
      try connection.execute(
        "INSERT INTO change_refs (\(ChangeRef.columns)) VALUES (\(SQLDialect.placeholders(8)))", ref.values)
    }
    for key in removals {
      try connection.execute(
        "DELETE FROM members WHERE room_id = ? AND user_id = ?", [.integer(key.room), .integer(key.user)])
    }
    for room in closures { try Self.close(room, now: now, connection) }
    for (room, counters) in rooms { try Self.update(room, counters, connection) }
    for (lane, head) in heads {
      try connection.execute(
        "INSERT OR REPLACE INTO journal_lanes (lane, head) VALUES (?, ?)", [.integer(Int64(lane)), .integer(head)])
    }
  }

  private static func insertChange(_ event: RoomEvent, _ connection: any SQLConnection) throws {
    try connection.execute(
      "INSERT INTO room_changes (room_id, event, seq, kind, last_seq) VALUES (?, ?, ?, ?, ?)",
      [
        .integer(event.room), .integer(event.event), .integer(event.message.seq),
        .integer(Int64(event.kind.rawValue)), .integer(event.lastSeq),
      ])
  }

  private static func close(_ room: RoomID, now: Milliseconds, _ connection: any SQLConnection) throws {
    try connection.execute(
      "UPDATE rooms SET deleted_at = ?, unique_name = NULL WHERE id = ?", [.integer(now), .integer(room)])
    try connection.execute("DELETE FROM members WHERE room_id = ?", [.integer(room)])
  }

  private static func update(
    _ room: RoomID, _ counters: RoomCounters, _ connection: any SQLConnection
  ) throws {
    try connection.execute(
      """
      UPDATE room_positions SET last_event = ?, last_seq = ?, last_message_at = ?, is_closed = ? WHERE room_id = ?
      """,
      [
        .integer(counters.lastEvent), .integer(counters.lastSeq), .optional(counters.lastMessageAt),
        .integer(counters.isClosed ? 1 : 0), .integer(room),
      ])
  }
}
