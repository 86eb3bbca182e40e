import CSQLite
import CTextRanking

/// A handle of a SQLite database, for one thread at a time (`SQLITE_OPEN_NOMUTEX`).
///
/// Write-ahead log with `synchronous=FULL`: a commit has been synced when it returns. FTS5's tables are ranked by
/// `palaver_rank(table)`.
@safe public final class SQLiteConnection: SQLConnection {
  public enum Access: Sendable {
    /// The file is made if there is none.
    case readWrite
    case readOnly
  }

  public let dialect = SQLDialect.sqlite
  public let access: Access
  private let handle: OpaquePointer
  private var statements: SQLiteStatementCache

  /// - Throws: `SQLError`.
  public init(path: String, access: Access = .readWrite, options: SQLiteOptions = SQLiteOptions()) throws {
    self.access = access
    statements = SQLiteStatementCache(capacity: options.statements)
    // A reader opens for writing too: the write-ahead log's index is shared memory that every connection writes.
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (access == .readWrite ? SQLITE_OPEN_CREATE : 0)
    var opened: OpaquePointer?
    let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
    guard let opened = unsafe opened else { throw SQLError(sqlite: SQLITE_NOMEM, message: "out of memory") }
    // "Whether or not an error occurs when it is opened, resources should be released by passing it to sqlite3_close()."
    unsafe handle = unsafe opened
    guard code == SQLITE_OK else {
      let error = unsafe SQLError(sqlite: code, database: opened)
      throw SQLError(kind: error.kind, code: error.code, message: "\(path): \(error.message)")
    }
    unsafe sqlite3_extended_result_codes(opened, 1)
    unsafe sqlite3_busy_timeout(opened, Int32(clamping: options.busyTimeout))
    for function in options.functions { try unsafe function.define(on: opened) }
    let ranked = unsafe palaver_define_rank(opened)
    guard ranked == SQLITE_OK else { throw unsafe SQLError(sqlite: ranked, database: opened) }
    try configure(options)
  }

  deinit {
    statements.removeAll()
    // Waits for nothing: statements were finalized above, and `close_v2` would outlive the ones it does not know.
    unsafe sqlite3_close_v2(handle)
  }

  private func configure(_ options: SQLiteOptions) throws {
    guard try query("PRAGMA journal_mode = WAL").first?.text(0) == "wal" else {
      throw SQLError(kind: .other, code: Int(SQLITE_CANTOPEN), message: "the file system has no write-ahead log")
    }
    try query("PRAGMA synchronous = FULL")
    try query("PRAGMA foreign_keys = ON")
    // What is deleted or replaced is overwritten, where its page is written anyway.
    try query("PRAGMA secure_delete = FAST")
    try query("PRAGMA temp_store = MEMORY")
    let cache = access == .readOnly ? options.readerCacheKiB : options.cacheKiB
    try query("PRAGMA cache_size = -\(max(1, cache))")
    try query("PRAGMA journal_size_limit = 67108864")
    if access == .readOnly { try query("PRAGMA query_only = ON") }
  }

  @discardableResult
  public func execute(_ sql: String, _ parameters: [SQLValue]) throws -> SQLResult {
    let before = unsafe sqlite3_total_changes64(handle)
    try withStatement(sql, parameters) { statement in while try statement.step() {} }
    let after = unsafe sqlite3_total_changes64(handle)
    return SQLResult(affectedRows: after - before, lastInsertID: unsafe sqlite3_last_insert_rowid(handle))
  }

  @discardableResult
  public func query(_ sql: String, _ parameters: [SQLValue]) throws -> [SQLRow] {
    var rows: [SQLRow] = []
    try withStatement(sql, parameters) { statement in while try statement.step() { rows.append(statement.row) } }
    return rows
  }

  @discardableResult
  public func query(_ sql: String) throws -> [SQLRow] { try query(sql, []) }

  /// Hands over row after row, as they are found, until `body` returns false.
  public func forEachRow(_ sql: String, _ parameters: [SQLValue], _ body: (SQLRow) throws -> Bool) throws {
    try withStatement(sql, parameters) { statement in
      while try statement.step() { if try !body(statement.row) { return } }
    }
  }

  public func transaction<Result>(_ body: () throws -> Result) throws -> Result {
    try execute(access == .readWrite ? "BEGIN IMMEDIATE" : "BEGIN", [])
    do {
      let result = try body()
      try execute("COMMIT", [])
      return result
    } catch {
      // Some errors (a full disk) have rolled back already. If this fails, the connection's owner replaces it.
      if isInTransaction { _ = try? execute("ROLLBACK", []) }
      throw error
    }
  }

  public var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

  /// Statements of `body` end with an error that `isSQLiteInterrupt` once the time has come.
  public func withDeadline<Result>(_ deadline: ContinuousClock.Instant, _ body: () throws -> Result) rethrows -> Result
  {
    let box = SQLiteDeadline(deadline)
    unsafe box.install(on: handle)
    defer { unsafe SQLiteDeadline.remove(from: handle) }
    return try withExtendedLifetime(box) { try body() }
  }

  private func withStatement(
    _ sql: String, _ parameters: [SQLValue], _ body: (SQLiteStatement) throws -> Void
  ) throws {
    let statement = try unsafe statements.take(sql) ?? SQLiteStatement(sql, database: handle)
    defer {
      statement.reset()
      statements.put(statement)
    }
    try statement.bind(parameters)
    try body(statement)
  }
}
