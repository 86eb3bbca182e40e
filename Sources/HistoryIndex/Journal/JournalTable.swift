import ChatRooms
import Drivers

/// The columns of the table `journal`, in the order in which they are written and read.
enum JournalTable {
  static let columns = """
    lane, position, room_id, seq, event, created_event, kind, last_seq, user_id, user_name, ref, sent_at, happened_at, \
    edited_at, reply_to, routing, room_kind, nonce, text, data
    """

  static let columnCount = 20

  /// An INSERT of one row, its values as `append(_:to:)` for rows gives them.
  static let insert = "INSERT INTO journal (\(columns)) VALUES (\(SQLDialect.placeholders(columnCount)))"

  /// What the columns hold, for `MySQLRows`.
  private static let columnTypes: [MySQLRows.Column] = [
    .integer, .integer, .integer, .integer, .integer, .integer, .integer, .integer, .integer, .text, .text, .integer,
    .integer, .integer, .integer, .text, .integer, .integer, .text, .text,
  ]

  /// Bytes of a row's texts beside the message's own, about.
  private static let otherTextBytes = 128

  /// Bytes that a row takes in a request, about.
  static func size(of row: JournalRow) -> Int {
    let message = row.event.message
    return columnCount * 9 + otherTextBytes + message.text.utf8.count + (message.data?.utf8.count ?? 0)
  }

  /// For `insert`.
  static func rows(_ rows: ArraySlice<JournalRow>) -> MySQLRows {
    var values = MySQLRows(columnTypes, count: rows.count, textBytes: rows.reduce(0) { $0 + size(of: $1) })
    for row in rows { append(row, to: &values) }
    return values
  }

  private static func append(_ row: JournalRow, to values: inout MySQLRows) {
    let (event, message) = (row.event, row.event.message)
    values.append(Int64(event.lane))
    values.append(event.position)
    values.append(message.room)
    values.append(message.seq)
    values.append(event.event)
    values.append(message.event)
    values.append(Int64(event.kind.rawValue))
    values.append(event.lastSeq)
    values.append(message.userID)
    values.append(message.user)
    values.append(row.ref)
    values.append(message.timestamp)
    values.append(event.timestamp)
    values.append(message.editedAt)
    values.append(message.replyTo)
    values.append(event.routing)
    values.append(Int64(event.roomKind.rawValue))
    values.append(event.nonce)
    values.append(message.text)
    values.append(message.data)
  }

  /// Appends `(…)` for an INSERT.
  static func append(_ row: JournalRow, to sql: inout MySQLText) {
    let (event, message) = (row.event, row.event.message)
    sql.append("(")
    sql.append(list: [
      Int64(event.lane), event.position, message.room, message.seq, event.event, message.event,
      Int64(event.kind.rawValue), event.lastSeq, message.userID,
    ]) { $0.append($1) }
    sql.append(", ")
    sql.append(quoted: message.user)
    sql.append(", ")
    sql.append(quoted: row.ref)
    sql.append(", ")
    sql.append(list: [message.timestamp, event.timestamp, message.editedAt, message.replyTo]) { $0.append($1) }
    sql.append(", ")
    sql.append(quoted: event.routing)
    sql.append(", ")
    sql.append(list: [Int64(event.roomKind.rawValue), event.nonce]) { $0.append($1) }
    sql.append(", ")
    sql.append(quoted: message.text)
    sql.append(", ")
    sql.append(quoted: message.data)
    sql.append(")")
  }

  /// As `columns`.
  static func values(_ row: JournalRow) -> [SQLValue] {
    let (event, message) = (row.event, row.event.message)
    return [
      .integer(Int64(event.lane)), .integer(event.position), .integer(message.room), .integer(message.seq),
      .integer(event.event), .integer(message.event), .integer(Int64(event.kind.rawValue)), .integer(event.lastSeq),
      .integer(message.userID), .text(message.user), .optional(row.ref), .integer(message.timestamp),
      .integer(event.timestamp), .optional(message.editedAt), .optional(message.replyTo), .text(event.routing),
      .integer(Int64(event.roomKind.rawValue)), .integer(event.nonce), .text(message.text), .optional(message.data),
    ]
  }

  /// - Throws: `SQLError` for a row that no version of this program has written.
  static func event(_ row: SQLRow) throws -> RoomEvent {
    guard row.values.count == columnCount, let lane = row.integer(0), let position = row.integer(1),
      let event = row.integer(4), let kind = row.integer(6).flatMap(UInt8.init(exactly:)).flatMap(RoomEvent.Kind.init),
      let roomKind = row.integer(16).flatMap(UInt8.init(exactly:)).flatMap(Room.Kind.init),
      let message = message(row, revised: event, isDeleted: kind == .deletion || isScrubbed(kind, row))
    else { throw unreadable(row) }
    return RoomEvent(
      kind: kind, event: event, lastSeq: row.integer(7) ?? 0, message: message, timestamp: row.integer(12) ?? 0,
      lane: Int(lane), position: position, routing: row.text(15) ?? "", roomKind: roomKind,
      nonce: row.integer(17) ?? 0)
  }

  /// An earlier state of an erased message lost its text, which no message is without (`MessageLimits.textBytes`). It
  /// reads as what has become of it.
  private static func isScrubbed(_ kind: RoomEvent.Kind, _ row: SQLRow) -> Bool {
    (kind == .message || kind == .edit) && row.text(18)?.isEmpty == true
  }

  private static func message(_ row: SQLRow, revised: Int64, isDeleted: Bool) -> Message? {
    guard let room = row.integer(2), let seq = row.integer(3), let event = row.integer(5), let userID = row.integer(8),
      let user = row.text(9), let timestamp = row.integer(11), let text = row.text(18)
    else { return nil }
    return Message(
      room: room, seq: seq, event: event, revised: revised, user: user, userID: userID, text: text,
      timestamp: timestamp, ref: Submission.visibleRef(row.text(10)), data: row.text(19), replyTo: row.integer(14),
      editedAt: row.integer(13), isDeleted: isDeleted)
  }

  private static func unreadable(_ row: SQLRow) -> SQLError {
    let place = row.values.prefix(2).map { "\($0)" }.joined(separator: ", ")
    return SQLError(kind: .other, code: 0, message: "The journal's row (\(place)) cannot be read")
  }
}
