/// A database handle that belongs to one thread at a time. All calls block.
public protocol SQLConnection: AnyObject {
  var dialect: SQLDialect { get }

  /// Runs a statement with `?` placeholders. Prepared statements are cached by their text, so that text should be
  /// one of a bounded number.
  @discardableResult
  func execute(_ sql: String, _ parameters: [SQLValue]) throws -> SQLResult

  /// Runs a query and returns all of its rows.
  func query(_ sql: String, _ parameters: [SQLValue]) throws -> [SQLRow]

  /// Begins, runs `body`, commits; rolls back if `body` throws. SQLite begins immediately, as a writer.
  func transaction<Result>(_ body: () throws -> Result) throws -> Result
}

extension SQLConnection {
  @discardableResult
  public func execute(_ sql: String) throws -> SQLResult { try execute(sql, []) }
  public func query(_ sql: String) throws -> [SQLRow] { try query(sql, []) }
}

/// A pool of connections, each on a thread of its own.
public protocol SQLDatabase: Sendable {
  var dialect: SQLDialect { get }

  /// Runs `body` on a connection's thread; waits for a free one. A connection that `body` finds broken is replaced.
  func withConnection<Result: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> Result) async throws
    -> Result

  /// As `withConnection`, for a body that only reads: it may run beside a writer, and sees all that was committed before.
  func withReader<Result: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> Result) async throws
    -> Result

  /// Runs a job that only reads on a connection's thread, some time after this call. It is called once: with a
  /// connection, or with the reason why there is none.
  func submitRead(_ job: @escaping @Sendable (Result<any SQLConnection, any Error>) -> Void)
}

extension SQLDatabase {
  public func withReader<Result: Sendable>(
    _ body: @escaping @Sendable (any SQLConnection) throws -> Result
  ) async throws -> Result {
    try await withConnection(body)
  }

  /// Runs `body` in a transaction. A deadlock or a lost race for a lock is tried again a few times: `body` may run
  /// more than once and must have no effect outside of the database.
  public func withTransaction<Result: Sendable>(
    _ body: @escaping @Sendable (any SQLConnection) throws -> Result
  ) async throws -> Result {
    let attempts = 5
    for _ in 1..<attempts {
      do {
        return try await withConnection { connection in try connection.transaction { try body(connection) } }
      } catch let error as SQLError where error.isRetryable {
        continue
      }
    }
    return try await withConnection { connection in try connection.transaction { try body(connection) } }
  }

  public func query(_ sql: String, _ parameters: [SQLValue] = []) async throws -> [SQLRow] {
    try await withReader { try $0.query(sql, parameters) }
  }

  @discardableResult
  public func execute(_ sql: String, _ parameters: [SQLValue] = []) async throws -> SQLResult {
    try await withConnection { try $0.execute(sql, parameters) }
  }
}

/// Where the two databases' SQL differs in what is shared between them.
public enum SQLDialect: Sendable {
  case mysql
  case sqlite

  /// Appended to a SELECT whose rows the transaction is about to change. SQLite has one writer at a time anyway.
  public var forUpdate: String { self == .mysql ? " FOR UPDATE" : "" }

  /// Begins an INSERT that leaves an existing row as it is.
  public var insertOrIgnore: String { self == .mysql ? "INSERT IGNORE INTO" : "INSERT OR IGNORE INTO" }

  /// `?, ?, ?`
  public static func placeholders(_ count: Int) -> String {
    Array(repeating: "?", count: count).joined(separator: ", ")
  }
}

/// What a database said when it refused.
public struct SQLError: Error, Sendable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// A unique key has this value already.
    case duplicateKey
    /// A deadlock, a lock wait that ended, SQLITE_BUSY, MariaDB's 1020: nothing of the transaction remains; try again.
    case conflict
    /// The server cannot be reached or went away. Of a statement under way it is unknown whether it took effect.
    case unavailable
    case other
  }

  public var kind: Kind
  /// The server's own number: errno of MySQL, extended result code of SQLite.
  public var code: Int
  /// The server's own words.
  public var message: String

  public init(kind: Kind, code: Int, message: String) {
    self.kind = kind
    self.code = code
    self.message = message
  }

  public var isRetryable: Bool { kind == .conflict }
  public var description: String { "\(message) (\(code))" }
}

extension Error {
  /// Whether it says that the database does not answer: what is remembered may stand in for it then.
  public var isDatabaseOutage: Bool { (self as? SQLError)?.kind == .unavailable }
}
