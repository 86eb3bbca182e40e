import ChatRooms
import Drivers

/// Writes messages and the index of their words, always both, within a transaction of the caller's.
///
/// Used by the database's writing thread alone. It holds nothing that outlives a transaction but what text analysis
/// remembers.
final class SQLiteMessageWriter: @unchecked Sendable {
  private var analysis = TextAnalysis()
  private var keys = MessageKeys()
  private var merging = WordsMerging()

  private static let insertion = """
    INSERT INTO messages (id, room_id, seq, event, revised, user_id, user_name, ref, sent_at, edited_at, reply_to,
      is_deleted, text, data) VALUES (\(SQLDialect.placeholders(14)))
    """

  /// Call it first in each transaction: ids that a rolled back one took are free again.
  func beginTransaction(_ connection: any SQLConnection) throws {
    keys = MessageKeys()
    try merging.goOn(connection)
  }

  /// - Parameter ref: as it is stored, minted ones too.
  func insert(_ message: Message, ref: String?, _ connection: any SQLConnection) throws {
    let (id, time) = try keys.next(at: message.timestamp, connection)
    try connection.execute(
      Self.insertion,
      [
        .integer(id), .integer(message.room), .integer(message.seq), .integer(message.event),
        .integer(message.revised), .integer(message.userID), .text(message.user), .optional(ref), .integer(time),
        .optional(message.editedAt), .optional(message.replyTo), .integer(message.isDeleted ? 1 : 0),
        .text(message.text), .optional(message.data),
      ])
    if !message.isDeleted { try index(message, id: id, connection) }
  }

  /// Replaces a message's text and state. A deleted one loses its content.
  ///
  /// - Throws: `SQLError` `.other` if there is no such message.
  func update(_ message: Message, _ connection: any SQLConnection) throws {
    let row = try connection.query(
      "SELECT \(SQLiteMessages.columns), m.id FROM messages m WHERE m.room_id = ? AND m.seq = ?",
      [.integer(message.room), .integer(message.seq)]
    ).first
    guard let row, let id = row.integer(13), let old = SQLiteMessages.message(row) else {
      throw SQLError(kind: .other, code: 0, message: "message \(message.id) to change does not exist")
    }
    if !old.isDeleted { try unindex(old, id: id, connection) }
    // Whoever takes the author away takes the author's ref, too, and what remains of the text that it was first used for.
    try connection.execute(
      """
      UPDATE messages SET user_name = ?, ref = CASE WHEN user_id = ? THEN ref END,
        first_text = CASE WHEN user_id = ? THEN COALESCE(first_text, ?) END, user_id = ?, revised = ?,
        edited_at = ?, reply_to = ?, is_deleted = ?, text = ?, data = ? WHERE id = ?
      """,
      [
        .text(message.user), .integer(message.userID), .integer(message.userID), .optional(Self.firstText(of: old)),
        .integer(message.userID), .integer(message.revised),
        .optional(message.editedAt), .optional(message.replyTo),
        .integer(message.isDeleted ? 1 : 0), .text(message.text), .optional(message.data), .integer(id),
      ])
    if !message.isDeleted { try index(message, id: id, connection) }
  }

  /// The digest of what the message's ref was used for, where this state still tells.
  private static func firstText(of message: Message) -> Int64? {
    let isFirstState = message.revised == message.event && message.editedAt == nil && !message.isDeleted
    return isFirstState && message.ref != nil ? ChangeRef.digest(of: message.text) : nil
  }

  func index(_ message: Message, id: Int64, _ connection: any SQLConnection) throws {
    let (words, tags) = (analysis.words(message.text), MessageTags.words(of: message))
    try connection.execute(
      "INSERT INTO message_words (rowid, text, tags) VALUES (?, ?, ?)", [.integer(id), .text(words), .text(tags)])
    merging.wrote(words, tags)
  }

  /// FTS5 must be told exactly what it was told before, as it keeps no text (`content = ''`).
  private func unindex(_ message: Message, id: Int64, _ connection: any SQLConnection) throws {
    let (words, tags) = (analysis.words(message.text), MessageTags.words(of: message))
    try connection.execute(
      "INSERT INTO message_words (message_words, rowid, text, tags) VALUES ('delete', ?, ?, ?)",
      [.integer(id), .text(words), .text(tags)])
    merging.wrote(words, tags)
  }
}
