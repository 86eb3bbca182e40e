/// How a database file is opened.
public struct SQLiteOptions: Sendable {
  /// Connections for reads, each on a thread of its own.
  public var readers: Int
  /// Milliseconds that a statement waits for a lock of another process before it is a `.conflict`.
  public var busyTimeout: Int
  /// Prepared statements that a connection keeps.
  public var statements: Int
  /// Pages that a connection keeps in memory, in KiB. More would be filled with every page that is ever touched, while
  /// the kernel has the file in memory as well, and readers forget theirs with each commit.
  public var cacheKiB: Int
  /// SQL functions that every connection knows.
  public var functions: [SQLiteFunction]

  public init(
    readers: Int = 3, busyTimeout: Int = 5_000, statements: Int = 128, cacheKiB: Int = 2_048,
    functions: [SQLiteFunction] = []
  ) {
    self.readers = readers
    self.busyTimeout = busyTimeout
    self.statements = statements
    self.cacheKiB = cacheKiB
    self.functions = functions
  }
}
