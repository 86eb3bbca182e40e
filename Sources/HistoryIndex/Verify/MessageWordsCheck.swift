import ChatRooms
import Drivers

/// Compares the index of words with the messages that it is of.
///
/// FTS5 keeps no text here, but tells for each word where it stands (the table `fts5vocab` of kind `instance`). Both
/// sides are reduced to one number a message, which does not depend on the order of words, so that the index is read
/// once from end to end.
enum MessageWordsCheck {
  private static let page: Int64 = 5_000

  /// What is wrong, in words; `nil` if the index is as it should be.
  static func flaw(_ connection: any SQLConnection) throws -> String? {
    // The index's own account of itself.
    try connection.execute("INSERT INTO message_words (message_words) VALUES ('integrity-check')")
    var sums = try indexed(connection)
    var wrong: Int64 = 0
    var last: Int64? = .min
    while let after = last {
      let rows = try connection.query(
        "SELECT \(SQLiteMessages.columns), m.id FROM messages m WHERE m.id > ? ORDER BY m.id LIMIT ?",
        [.integer(after), .integer(page)])
      for row in rows {
        guard let message = SQLiteMessages.message(row), let id = row.integer(13) else { continue }
        let expected = message.isDeleted ? nil : sum(of: message)
        if sums.removeValue(forKey: id) != expected { wrong += 1 }
      }
      last = rows.last?.integer(13)
    }
    guard wrong > 0 || !sums.isEmpty else { return nil }
    return "the words of \(wrong) messages are wrong, and \(sums.count) entries are of no message"
  }

  private static func indexed(_ connection: any SQLConnection) throws -> [Int64: UInt64] {
    try connection.execute(
      "CREATE VIRTUAL TABLE IF NOT EXISTS temp.message_vocabulary USING fts5vocab(main, message_words, instance)")
    defer { _ = try? connection.execute("DROP TABLE temp.message_vocabulary") }
    var sums: [Int64: UInt64] = [:]
    for term in try connection.query("SELECT DISTINCT term FROM temp.message_vocabulary") {
      guard let term = term.text(0) else { continue }
      for row in try connection.query(
        "SELECT doc, col, \"offset\" FROM temp.message_vocabulary WHERE term = ?", [.text(term)])
      {
        guard let id = row.integer(0), let column = row.text(1), let offset = row.integer(2) else { continue }
        sums[id, default: 0] &+= number(term, column, offset)
      }
    }
    return sums
  }

  private static func sum(of message: Message) -> UInt64 {
    var analysis = TextAnalysis()
    let columns = [("text", analysis.words(message.text)), ("tags", MessageTags.words(of: message))]
    var sum: UInt64 = 0
    for (column, words) in columns {
      // By bytes: a space and a mark that a word begins with are one character.
      for (offset, word) in words.utf8.split(separator: UInt8(ascii: " ")).enumerated() {
        sum &+= number(String(decoding: word, as: UTF8.self), column, Int64(offset))
      }
    }
    return sum
  }

  private static func number(_ word: String, _ column: String, _ offset: Int64) -> UInt64 {
    FNV1a.hash("\(offset) \(column) \(word)".utf8)
  }
}
