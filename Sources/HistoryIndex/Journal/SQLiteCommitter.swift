import ChatRooms
import Drivers

/// Commits batches to the embedded profile's database: `LaneBatch` decides, this reads before and writes after.
final class SQLiteCommitter: JournalCommitter {
  private let database: SQLiteDatabase
  private let clock: CommitClock
  private let messages = WriterBox()

  init(database: SQLiteDatabase, clock: CommitClock) {
    self.database = database
    self.clock = clock
  }

  func commit(_ batch: [Submission]) throws -> [Outcome] {
    let lanes = LaneBatch(batch)
    let now = clock.begin()
    defer { clock.end(now) }
    let writer = messages
    return try database.writeAndWait { connection in
      try connection.transaction {
        let context = try LaneBatch.Context(reading: lanes, connection)
        let resolution = lanes.resolve(context, now: now)
        try resolution.write(with: writer.writer, now: now, connection)
        return try resolution.outcomes.map { try $0.inPresentState(connection) }
      }
    }
  }
}

/// Used by the database's writing thread alone, and by one batch at a time.
private final class WriterBox: @unchecked Sendable {
  let writer = SQLiteMessageWriter()
}

extension LaneBatch.Context {
  fileprivate init(reading batch: LaneBatch, _ connection: any SQLConnection) throws {
    self.init(
      heads: [SQLiteJournal.lane: try SQLiteJournal.head(connection)],
      rooms: try batch.rooms.reduce(into: [:]) { $0[$1] = try Self.room($1, connection) },
      refs: try batch.refs.reduce(into: [:]) { $0[$1] = try Self.event(storing: $1, connection) },
      changes: try batch.targets.reduce(into: [:]) { $0[$1] = try Self.newestChange(of: $1, connection) },
      members: try Set(batch.members.filter { try Self.isMember($0, connection) }))
  }

  private static func room(_ id: RoomID, _ connection: any SQLConnection) throws -> LaneBatch.RoomState? {
    let sql = """
      SELECT p.last_event, p.last_seq, p.last_message_at, p.is_closed, p.import_id, r.deleted_at
      FROM room_positions p JOIN rooms r ON r.id = p.room_id WHERE p.room_id = ?
      """
    guard let row = try connection.query(sql, [.integer(id)]).first, let lastEvent = row.integer(0),
      let lastSeq = row.integer(1)
    else { return nil }
    return LaneBatch.RoomState(
      lastEvent: lastEvent, lastSeq: lastSeq, lastMessageAt: row.integer(2),
      isClosed: row.integer(3) != 0 || row.integer(5) != nil, isImporting: row.integer(4) != nil)
  }

  /// The message in its present state, with no text if that is no longer the one that was sent.
  private static func event(storing key: LaneBatch.RefKey, _ connection: any SQLConnection) throws -> RoomEvent? {
    let sql = """
      SELECT \(SQLiteMessages.columns), r.kind, r.routing FROM messages m JOIN rooms r ON r.id = m.room_id
      WHERE m.room_id = ? AND m.user_id = ? AND m.ref = ?
      """
    let rows = try connection.query(sql, [.integer(key.room), .integer(key.user), .text(key.ref)])
    guard let row = rows.first, var message = SQLiteMessages.message(row),
      let kind = row.integer(13).flatMap(UInt8.init(exactly:)).flatMap(Room.Kind.init)
    else { return nil }
    if message.revised != message.event { message.text = "" }
    return RoomEvent(
      kind: .message, event: message.event, lastSeq: message.seq, message: message, timestamp: message.timestamp,
      lane: SQLiteJournal.lane, position: 0, routing: row.text(14) ?? "", roomKind: kind, nonce: 0)
  }

  private static func newestChange(
    of key: LaneBatch.MessageKey, _ connection: any SQLConnection
  ) throws -> RoomChange? {
    let sql = """
      SELECT event, seq, kind, last_seq FROM room_changes WHERE room_id = ? AND seq = ? ORDER BY event DESC LIMIT 1
      """
    return try connection.query(sql, [.integer(key.room), .integer(key.seq)]).first.flatMap(RoomChange.init)
  }

  private static func isMember(_ key: LaneBatch.MemberKey, _ connection: any SQLConnection) throws -> Bool {
    let sql = "SELECT 1 FROM members WHERE room_id = ? AND user_id = ?"
    return try !connection.query(sql, [.integer(key.room), .integer(key.user)]).isEmpty
  }
}

extension LaneBatch.Resolution {
  fileprivate func write(
    with writer: SQLiteMessageWriter, now: Milliseconds, _ connection: any SQLConnection
  ) throws {
    writer.beginTransaction()
    for (event, ref) in zip(events, refs) {
      switch event.kind {
      case .message: try writer.insert(event.message, ref: ref, connection)
      case .edit, .deletion: try writer.update(event.message, connection)
      case .removal, .closure: break
      }
    }
    for (room, change) in changes { try Self.insert(change, in: room, connection) }
    for key in removals {
      try connection.execute(
        "DELETE FROM members WHERE room_id = ? AND user_id = ?", [.integer(key.room), .integer(key.user)])
    }
    for room in closures { try Self.close(room, now: now, connection) }
    for (room, state) in rooms { try Self.update(room, state, connection) }
    for (lane, head) in heads {
      try connection.execute(
        "INSERT OR REPLACE INTO journal_lanes (lane, head) VALUES (?, ?)", [.integer(Int64(lane)), .integer(head)])
    }
  }

  private static func insert(_ change: RoomChange, in room: RoomID, _ connection: any SQLConnection) throws {
    try connection.execute(
      "INSERT INTO room_changes (room_id, event, seq, kind, last_seq) VALUES (?, ?, ?, ?, ?)",
      [
        .integer(room), .integer(change.event), .integer(change.seq), .integer(Int64(change.kind.rawValue)),
        .integer(change.lastSeq),
      ])
  }

  private static func close(_ room: RoomID, now: Milliseconds, _ connection: any SQLConnection) throws {
    try connection.execute(
      "UPDATE rooms SET deleted_at = ?, unique_name = NULL WHERE id = ?", [.integer(now), .integer(room)])
    try connection.execute("DELETE FROM members WHERE room_id = ?", [.integer(room)])
  }

  private static func update(
    _ room: RoomID, _ state: LaneBatch.RoomState, _ connection: any SQLConnection
  ) throws {
    try connection.execute(
      """
      UPDATE room_positions SET last_event = ?, last_seq = ?, last_message_at = ?, is_closed = ? WHERE room_id = ?
      """,
      [
        .integer(state.lastEvent), .integer(state.lastSeq), .optional(state.lastMessageAt),
        .integer(state.isClosed ? 1 : 0), .integer(room),
      ])
  }
}

extension Outcome {
  /// A message that was sent before is answered as it is now, not as the comparison of texts saw it.
  fileprivate func inPresentState(_ connection: any SQLConnection) throws -> Outcome {
    guard case .committed(var event, duplicate: true) = self, event.kind == .message else { return self }
    let rows = try SQLiteMessages.messages(in: event.room, seqs: [event.message.seq], connection)
    if let message = rows.first { event.message = message }
    return .committed(event, duplicate: true)
  }
}
