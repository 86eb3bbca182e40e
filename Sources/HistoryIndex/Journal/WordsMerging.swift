import Drivers

/// Merges the index of words a little at a time, with the transactions that write to it.
///
/// Each transaction leaves a segment. FTS5 by itself merges once 64 pages have been written, two hundred of them at once:
/// all who sent something then waited for 10 to 30 ms (`automerge`, https://www.sqlite.org/fts5.html). The table has that
/// turned off.
struct WordsMerging {
  /// Bytes of words that are worth a page of merging: a page holds ten times as many, and goes through several levels.
  private static let bytesPerPage = 400

  private var transactions = 0
  private var bytes = 0

  /// Notes what is written.
  mutating func wrote(_ words: String, _ tags: String) { bytes += words.utf8.count + tags.utf8.count }

  /// Does a step if there is enough for one. Where there is nothing to merge it costs next to nothing.
  mutating func goOn(_ connection: any SQLConnection) throws {
    transactions += 1
    guard transactions >= 8 || bytes >= 8 * Self.bytesPerPage else { return }
    let pages = max(8, bytes / Self.bytesPerPage)
    try connection.execute(
      "INSERT INTO message_words (message_words, rank) VALUES ('merge', ?)", [.integer(Int64(pages))])
    (transactions, bytes) = (0, 0)
  }
}
