/// How a connection behaves. Times are in seconds.
public struct MySQLOptions: Sendable {
  public var connectTimeout: UInt32 = 3
  /// The longest wait for a reply, and for the room to write a request.
  public var readTimeout: UInt32 = 30
  public var writeTimeout: UInt32 = 10
  /// The longest wait for a row lock; then the statement fails with 1205, a conflict.
  public var lockWaitTimeout: UInt32 = 2
  /// MariaDB ends a connection that leaves a transaction idle for longer, so that a paused client cannot sit on locks.
  public var idleTransactionTimeout: UInt32 = 5
  /// Prepared statements kept; the one used longest ago makes room.
  public var statementCacheCapacity = 256
  /// Whether a request may hold several statements: only where every value in them is quoted by `MySQLText`.
  public var allowsMultipleStatements = false

  public init() {}

  /// For connections on whose answers clients wait: a server that says nothing is given up after 3 seconds. Long work,
  /// such as migrations and scans, needs the patience of the others.
  public static var serving: MySQLOptions {
    var options = MySQLOptions()
    options.readTimeout = 3
    options.writeTimeout = 3
    return options
  }
}
