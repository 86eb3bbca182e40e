import CMariaDB
import Foundation

/// A connection to MySQL 8 or MariaDB 10.6 and later, for one thread at a time.
///
/// The session reads what is committed (READ COMMITTED), refuses values that do not fit, keeps time in UTC, and waits
/// briefly for locks. Affected rows are those that matched, as in SQLite, changed or not.
@safe public final class MySQLConnection: SQLConnection {
  private let handle: UnsafeMutablePointer<MYSQL>
  private var statements: MySQLStatementCache
  public let url: MySQLURL
  /// The conversation has ended; only closing makes sense.
  public private(set) var isBroken = false
  /// Told of every silence that ends this connection.
  private let outage: MySQLOutage?
  /// When the request began that was sent last.
  private var requestStart = DispatchTime.now()
  /// Requests that waited for an answer of the server so far, preparing of statements not counted.
  public private(set) var requestCount = 0

  public var dialect: SQLDialect { .mysql }

  /// Connects; blocks for up to the options' `connectTimeout`, or `readTimeout` where the server accepts and says nothing.
  ///
  /// - Parameter outage: what connections to the same server know together.
  public init(
    _ url: MySQLURL, options: MySQLOptions = MySQLOptions(), outage: MySQLOutage? = nil
  ) throws(SQLError) {
    _ = MySQLLibrary.isReady
    guard let handle = unsafe mysql_init(nil) else {
      throw SQLError(mysqlCode: Int(CR_OUT_OF_MEMORY), message: "No memory for a connection")
    }
    unsafe self.handle = handle
    self.url = url
    self.outage = outage
    statements = MySQLStatementCache(capacity: options.statementCacheCapacity)
    unsafe MySQLLibrary.set(options, url, on: handle)
    var flags = UInt(CLIENT_FOUND_ROWS)
    if options.allowsMultipleStatements { flags |= UInt(CLIENT_MULTI_STATEMENTS) }
    let connected = unsafe mysql_real_connect(
      handle, url.host, url.user, url.password, url.database, UInt32(url.port), nil, flags)
    guard unsafe connected != nil else { throw failure() }
    try prepareSession(options)
  }

  deinit {
    statements.removeAll()
    unsafe mysql_close(handle)
  }

  public var isMariaDB: Bool { serverVersion.contains("MariaDB") }

  /// The server's own words, such as `10.11.6-MariaDB`.
  public var serverVersion: String { unsafe String(cString: mysql_get_server_info(handle)) }

  /// The number that KILL takes.
  public var threadID: UInt { unsafe mysql_thread_id(handle) }

  public var isInTransaction: Bool { unsafe handle.pointee.server_status & UInt32(SERVER_STATUS_IN_TRANS) != 0 }

  public func ping() throws(SQLError) {
    requestStart = .now()
    guard unsafe mysql_ping(handle) == 0 else { throw failure() }
  }

  @discardableResult
  public func execute(_ sql: String, _ parameters: [SQLValue]) throws -> SQLResult {
    try run(sql, parameters).result
  }

  public func query(_ sql: String, _ parameters: [SQLValue]) throws -> [SQLRow] {
    try run(sql, parameters).rows
  }

  public func transaction<Result>(_ body: () throws -> Result) throws -> Result {
    _ = try send("START TRANSACTION")
    do {
      let result = try body()
      _ = try send("COMMIT")
      return result
    } catch {
      rollBack()
      throw error
    }
  }

  /// Ends a transaction, if one is open, without its effects. A connection that cannot even do that is broken, and the
  /// server rolls back when it notices.
  public func rollBack() {
    guard !isBroken else { return }
    do { _ = try send("ROLLBACK") } catch { isBroken = true }
  }

  /// Whether `execute(_:rows:)` works here. MySQL's protocol has no such request.
  public var takesRows: Bool { unsafe palaver_mysql_takes_rows(handle) != 0 }

  /// Executes a statement with each of the rows, in one request and without the values passing through SQL text.
  ///
  /// The first row that fails ends it; those before it stay done.
  public func execute(_ sql: String, rows: MySQLRows) throws(SQLError) {
    try withStatement(sql) { statement throws(SQLError) in try statement.run(rows) }
  }

  private func run(_ sql: String, _ parameters: [SQLValue]) throws(SQLError) -> (rows: [SQLRow], result: SQLResult) {
    try withStatement(sql) { statement throws(SQLError) in try statement.run(parameters) }
  }

  private func withStatement<Result>(
    _ sql: String, _ body: (MySQLStatement) throws(SQLError) -> Result
  ) throws(SQLError) -> Result {
    guard !isBroken else { throw Self.gone }
    beginRequest()
    do {
      let statement = try statements.statement(sql) { sql throws(SQLError) in
        unsafe try MySQLStatement(sql, on: handle)
      }
      return try body(statement)
    } catch {
      // What made it fail may be the statement itself, prepared for another schema.
      statements.remove(sql)
      note(error)
      throw error
    }
  }

  /// Runs statements in one request (the text protocol) and returns the rows of each, none for what returns none.
  ///
  /// The first one that fails ends the request; what went before it stays done.
  public func send(_ sql: MySQLText) throws(SQLError) -> [[SQLRow]] {
    guard !isBroken else { throw Self.gone }
    beginRequest()
    let isSent = unsafe sql.bytes.withUnsafeBytes { text in
      unsafe mysql_real_query(handle, text.baseAddress?.assumingMemoryBound(to: CChar.self), UInt(text.count)) == 0
    }
    guard isSent else { throw failure() }
    var replies: [[SQLRow]] = []
    while true {
      replies.append(try storedRows())
      switch unsafe mysql_next_result(handle) {
      case 0: continue
      case -1: return replies
      default: throw failure()
      }
    }
  }

  func send(_ sql: String) throws(SQLError) -> [[SQLRow]] { try send(MySQLText(sql)) }

  private func storedRows() throws(SQLError) -> [SQLRow] {
    guard let result = unsafe mysql_store_result(handle) else {
      if unsafe mysql_field_count(handle) != 0 { throw failure() }
      return []
    }
    defer { unsafe mysql_free_result(result) }
    let columns = unsafe MySQLMetadata.columns(of: result)
    var rows: [SQLRow] = []
    while let row = unsafe mysql_fetch_row(result), let lengths = unsafe mysql_fetch_lengths(result) {
      rows.append(
        SQLRow(
          columns.enumerated().map { index, column in
            guard let bytes = unsafe row[index] else { return .null }
            return unsafe column.value(UnsafeRawBufferPointer(start: bytes, count: Int(clamping: lengths[index])))
          }))
    }
    return rows
  }

  private func prepareSession(_ options: MySQLOptions) throws(SQLError) {
    // Without NO_BACKSLASH_ESCAPES and ANSI_QUOTES: `MySQLText` quotes the other way.
    var settings =
      "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', "
      + "autocommit = 1, time_zone = '+00:00', innodb_lock_wait_timeout = \(max(1, options.lockWaitTimeout))"
    if isMariaDB { settings += ", idle_transaction_timeout = \(options.idleTransactionTimeout)" }
    _ = try send(settings)
    _ = try send("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
  }

  private static let gone = SQLError(
    kind: .unavailable, code: Int(CR_SERVER_GONE_ERROR), message: "The connection has ended")

  private func failure() -> SQLError {
    let error = SQLError(
      mysqlCode: Int(unsafe mysql_errno(handle)), message: unsafe String(cString: mysql_error(handle)))
    note(error)
    return error
  }

  private func beginRequest() {
    requestCount += 1
    requestStart = .now()
  }

  private func note(_ error: SQLError) {
    guard error.kind == .unavailable || MySQLErrorKind.outOfStep.contains(error.code) else { return }
    isBroken = true
    if error.kind == .unavailable { outage?.lost(error, waitingSince: requestStart) }
  }
}
