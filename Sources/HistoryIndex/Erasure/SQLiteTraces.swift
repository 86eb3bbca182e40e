import ChatRooms
import Drivers

/// The embedded profile's: `messages` holds everything once, and the index of words repeats their words.
public struct SQLiteTraces: MessageTraces {
  /// Rows looked at in one statement. There is no index of authors: it would cost every message, and this is rare.
  private static let rowsAtOnce: Int64 = 20_000
  /// Pages that one step merges or overwrites: some milliseconds, as sends wait for it.
  private static let pagesAtOnce = 500

  private let database: SQLiteDatabase

  public init(_ database: SQLiteDatabase) { self.database = database }

  /// What is committed can be read. From now on what is freed is overwritten, whole pages too, until this process ends:
  /// SQLite carries the statement out where it is compiled, once.
  public func settle() async throws { try await database.execute("PRAGMA secure_delete = ON") }

  public func catchUp() async throws {}

  public func sweep(_ erasure: Erasure, change: ([MessageTrace]) async throws -> Void) async throws -> Int {
    var found = 0
    var after: Int64? = .min
    while let last = after {
      let page = try await database.read { try Self.page(of: erasure, after: last, $0) }
      found += page.traces.count
      if !page.traces.isEmpty { try await change(page.traces) }
      after = page.last
    }
    return found
  }

  private struct Page: Sendable {
    var traces: [MessageTrace]
    /// Where the next one begins; `nil` at the end.
    var last: Int64?
  }

  private static func page(
    of erasure: Erasure, after id: Int64, _ connection: SQLiteConnection
  ) throws -> Page {
    let rows = try connection.query(
      """
      SELECT \(SQLiteMessages.columns), \(TracedRooms.columns) FROM
        (SELECT * FROM messages WHERE id > ? ORDER BY id LIMIT ?) m JOIN rooms r ON r.id = m.room_id
      WHERE m.user_id = ? ORDER BY m.room_id, m.seq
      """, [.integer(id), .integer(rowsAtOnce), .integer(erasure.user)])
    let last = try connection.query(
      "SELECT id FROM messages WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?", [.integer(id), .integer(rowsAtOnce - 1)])
    let traces = rows.compactMap { row in
      SQLiteMessages.message(row).map { MessageTrace(room: TracedRooms.room(row, at: 13), message: $0) }
    }
    return Page(traces: traces, last: last.first?.integer(0))
  }

  /// Words of what was deleted stay in the index until it is merged, and pages as they were in the log until it is
  /// taken over.
  public func purge(_ erasure: Erasure) async throws -> String? {
    guard try await !ErasureRemains(database).isImporting(since: erasure) else { return ErasureRemains.importing }
    try await database.execute("DELETE FROM change_refs WHERE user_id = ?", [.integer(erasure.user)])
    try await mergeWords()
    try await overwriteFreePages()
    guard try await database.withConnection({ try Self.emptyLog($0) }) else { return "the database's log is in use" }
    return nil
  }

  /// "merge" with a negative number begins a merge of everything; it has ended once it changes nothing any more.
  private func mergeWords() async throws {
    let sql = "INSERT INTO message_words (message_words, rank) VALUES ('merge', ?)"
    var pages = -Self.pagesAtOnce
    while true {
      try Task.checkCancellation()
      let result = try await database.execute(sql, [.integer(Int64(pages))])
      guard result.affectedRows >= 2 else { return }
      pages = Self.pagesAtOnce
    }
  }

  /// Pages that were freed before this erasure, mostly by merges, hold what they held. They are taken for zeros, all of
  /// them before the first is given back, since SQLite takes the last freed first.
  private func overwriteFreePages() async throws {
    try await database.execute("CREATE TABLE IF NOT EXISTS free_pages (zeros BLOB NOT NULL)")
    while true {
      try Task.checkCancellation()
      let isLeft = try await database.withTransaction { connection in
        let free = try connection.query("PRAGMA freelist_count").first?.integer(0) ?? 0
        let pageSize = try connection.query("PRAGMA page_size").first?.integer(0) ?? 4_096
        guard free > 0 else { return false }
        let bytes = min(free, Int64(Self.pagesAtOnce)) * pageSize
        try connection.execute("INSERT INTO free_pages (zeros) VALUES (zeroblob(?))", [.integer(bytes)])
        return true
      }
      guard isLeft else { break }
    }
    while try await database.execute("DELETE FROM free_pages WHERE rowid = (SELECT MIN(rowid) FROM free_pages)")
      .affectedRows > 0
    {}
    try await database.execute("DROP TABLE free_pages")
  }

  /// Returns false while a reader or another process still needs the log.
  private static func emptyLog(_ connection: any SQLConnection) throws -> Bool {
    try connection.query("PRAGMA wal_checkpoint(TRUNCATE)").first?.integer(0) == 0
  }
}
