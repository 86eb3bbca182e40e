import ChatRooms
import Drivers

/// Keeps the index of words in step with the analysis that cuts them.
public enum MessageWordsUpkeep {
  private static let batch: Int64 = 5_000

  /// Makes the index anew if another version of the analysis has made it, or none. Call it before anything writes
  /// or searches: what is written meanwhile would be in it twice, what is not reached yet would not be found.
  ///
  /// Goes on where it stood if it was interrupted: until it ends, the version is not recorded and all is done again.
  public static func run(_ database: SQLiteDatabase, log: Log) async throws {
    let known = try await database.query("SELECT analysis FROM message_words_state").first?.integer(0)
    guard known != TextAnalysis.version else { return }
    let hasMessages = try await !database.query("SELECT 1 FROM messages LIMIT 1").isEmpty
    if hasMessages { log.info("making the index of words anew") }
    try await database.withTransaction { connection in
      try connection.execute("DELETE FROM message_words_state")
      try connection.execute("INSERT INTO message_words (message_words) VALUES ('delete-all')")
    }
    let writer = SQLiteMessageWriter()
    var last: Int64? = .min
    while let after = last { last = try await index(after: after, with: writer, database) }
    try await database.execute(
      "INSERT INTO message_words_state (one, analysis) VALUES (1, ?)", [.integer(TextAnalysis.version)])
  }

  /// Makes the index anew, whatever has made it.
  static func rebuild(_ database: SQLiteDatabase) async throws {
    try await database.execute("DELETE FROM message_words_state")
    try await run(database, log: .silent)
  }

  /// Returns the last id of the batch; `nil` at the end.
  private static func index(
    after id: Int64, with writer: SQLiteMessageWriter, _ database: SQLiteDatabase
  ) async throws -> Int64? {
    try await database.withTransaction { connection in
      try writer.beginTransaction(connection)
      let rows = try connection.query(
        """
        SELECT \(SQLiteMessages.columns), m.id FROM messages m WHERE m.id > ? AND m.is_deleted = 0
        ORDER BY m.id LIMIT ?
        """, [.integer(id), .integer(batch)])
      for row in rows {
        guard let message = SQLiteMessages.message(row), let id = row.integer(13) else { continue }
        try writer.index(message, id: id, connection)
      }
      return rows.last?.integer(13)
    }
  }
}
