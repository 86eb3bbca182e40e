import Drivers

/// Merges the index of words a little at a time, with the transactions that write to it.
///
/// Each transaction leaves a segment. FTS5 by itself merges once 64 pages have been written, two hundred of them at once:
/// all who sent something then waited for 10 to 30 ms (`automerge`, https://www.sqlite.org/fts5.html). The table has that
/// turned off.
struct WordsMerging {
  /// Messages whose words were written since the last step.
  var messages = 0
  private var transactions = 0

  /// Does a step if there is enough for one: as many pages as have been written, once for each level that they will go
  /// through. Where there is nothing to merge it costs next to nothing.
  mutating func goOn(_ connection: any SQLConnection) throws {
    transactions += 1
    guard transactions >= 8 || messages >= 32 else { return }
    try connection.execute(
      "INSERT INTO message_words (message_words, rank) VALUES ('merge', ?)", [.integer(Int64(max(8, messages / 4)))])
    (transactions, messages) = (0, 0)
  }
}
