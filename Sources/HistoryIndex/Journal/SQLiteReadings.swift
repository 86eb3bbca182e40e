import ChatRooms
import Drivers

/// What a batch must know of the embedded profile's tables, read in the transaction that writes it.
enum SQLiteReadings {
  static func of(_ batch: [Submission], _ connection: any SQLConnection) throws -> LaneReadings {
    var readings = LaneReadings()
    readings.heads[SQLiteJournal.lane] = try SQLiteJournal.head(connection)
    var authors: Set<UserID> = []
    for submission in batch {
      let room = submission.room.id
      if readings.rooms[room] == nil { readings.rooms[room] = try counters(of: room, connection) }
      try read(submission, into: &readings, connection)
      for author in submission.authors where authors.insert(author).inserted {
        readings.erased[author] = try fate(of: author, connection)
      }
    }
    return readings
  }

  private static func read(
    _ submission: Submission, into readings: inout LaneReadings, _ connection: any SQLConnection
  ) throws {
    let room = submission.room.id
    switch submission.action {
    case .send:
      let key = RefKey(room: room, user: submission.actor.id, ref: submission.ref)
      if let stored = try event(storing: key, submission, connection) {
        readings.sent[key] = stored.event
        readings.firstTexts[key] = stored.firstText
      }
    case .edit(let base, _), .delete(let base), .withdraw(let base, _):
      let key = MessageKey(room: base.room, seq: base.seq)
      readings.changes[key] = try newestChange(of: key, connection)
      let ref = RefKey(room: room, user: submission.actor.id, ref: submission.ref)
      if !submission.isRefMinted { readings.changed[ref] = try change(storing: ref, connection) }
    case .remove(let user):
      let key = MemberKey(room: room, user: user.id)
      if try isMember(key, connection) { readings.members.insert(key) }
    case .close, .announceImport: break
    }
  }

  private static func counters(of room: RoomID, _ connection: any SQLConnection) throws -> RoomCounters? {
    let sql = """
      SELECT p.last_event, p.last_seq, p.last_message_at, p.is_closed, p.import_id, r.deleted_at
      FROM room_positions p JOIN rooms r ON r.id = p.room_id WHERE p.room_id = ?
      """
    guard let row = try connection.query(sql, [.integer(room)]).first, let lastEvent = row.integer(0),
      let lastSeq = row.integer(1)
    else { return nil }
    return RoomCounters(
      lastEvent: lastEvent, lastSeq: lastSeq, lastMessageAt: row.integer(2),
      isClosed: row.integer(3) != 0 || row.integer(5) != nil, isImporting: row.integer(4) != nil)
  }

  private static let byRef =
    "SELECT \(SQLiteMessages.columns), m.first_text FROM messages m WHERE m.room_id = ? AND m.user_id = ? AND m.ref = ?"

  /// With the message in its present state. `position` is 0: it is not known any more.
  private static func event(
    storing key: RefKey, _ submission: Submission, _ connection: any SQLConnection
  ) throws -> (event: RoomEvent, firstText: Int64?)? {
    let rows = try connection.query(
      byRef, [.integer(key.room), .integer(key.user), .text(key.ref)])
    guard let row = rows.first, let message = SQLiteMessages.message(row) else { return nil }
    let event = RoomEvent(
      kind: .message, event: message.event, lastSeq: message.seq, message: message, timestamp: message.timestamp,
      lane: SQLiteJournal.lane, position: 0, routing: submission.room.routing, roomKind: submission.room.kind,
      nonce: 0)
    return (event, row.integer(13))
  }

  private static func newestChange(of key: MessageKey, _ connection: any SQLConnection) throws -> RoomChange? {
    let sql = """
      SELECT event, seq, kind, last_seq FROM room_changes WHERE room_id = ? AND seq = ? ORDER BY event DESC LIMIT 1
      """
    return try connection.query(sql, [.integer(key.room), .integer(key.seq)]).first.flatMap(RoomChange.init)
  }

  private static func change(storing key: RefKey, _ connection: any SQLConnection) throws -> ChangeRef? {
    try connection.query(
      "SELECT \(ChangeRef.columns) FROM change_refs WHERE room_id = ? AND user_id = ? AND ref = ?",
      [.integer(key.room), .integer(key.user), .text(key.ref)]
    ).first.flatMap(ChangeRef.init)
  }

  private static func fate(of user: UserID, _ connection: any SQLConnection) throws -> MessageFate? {
    try connection.query("SELECT mode FROM erasures WHERE user_id = ?", [.integer(user)]).first.flatMap {
      MessageFate(stored: $0.integer(0))
    }
  }

  private static func isMember(_ key: MemberKey, _ connection: any SQLConnection) throws -> Bool {
    let sql = "SELECT 1 FROM members WHERE room_id = ? AND user_id = ?"
    return try !connection.query(sql, [.integer(key.room), .integer(key.user)]).isEmpty
  }
}
