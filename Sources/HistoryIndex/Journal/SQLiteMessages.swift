import ChatRooms
import Drivers

/// Rows of the embedded profile's `messages`.
enum SQLiteMessages {
  static let columns = """
    m.room_id, m.seq, m.event, m.revised, m.user_id, m.user_name, m.ref, m.sent_at, m.edited_at, m.reply_to, \
    m.is_deleted, m.text, m.data
    """

  /// Reads `columns`, which come first. `nil` for a row that holds what it must not.
  static func message(_ row: SQLRow) -> Message? {
    guard let room = row.integer(0), let seq = row.integer(1), let event = row.integer(2),
      let revised = row.integer(3), let userID = row.integer(4), let user = row.text(5),
      let timestamp = row.integer(7), let text = row.text(11)
    else { return nil }
    let isDeleted = row.integer(10) != 0
    return Message(
      room: room, seq: seq, event: event, revised: revised, user: user, userID: userID, text: text,
      timestamp: timestamp, ref: isDeleted ? nil : Submission.visibleRef(row.text(6)), data: row.text(12),
      replyTo: row.integer(9), editedAt: row.integer(8), isDeleted: isDeleted)
  }

  static func messages(
    in room: RoomID, seqs: ClosedRange<Int64>, _ connection: any SQLConnection
  ) throws -> [Message] {
    try connection.query(
      "SELECT \(columns) FROM messages m WHERE m.room_id = ? AND m.seq BETWEEN ? AND ? ORDER BY m.seq",
      [.integer(room), .integer(seqs.lowerBound), .integer(seqs.upperBound)]
    ).compactMap(message)
  }

  static func messages(in room: RoomID, seqs: [Int64], _ connection: any SQLConnection) throws -> [Message] {
    let list = "[\(seqs.map(String.init).joined(separator: ","))]"
    return try connection.query(
      """
      SELECT \(columns) FROM messages m
      WHERE m.room_id = ? AND m.seq IN (SELECT value FROM json_each(?)) ORDER BY m.seq
      """, [.integer(room), .text(list)]
    ).compactMap(message)
  }
}
