/// How a database file is opened.
public struct SQLiteOptions: Sendable {
  /// Connections for reads, each on a thread of its own.
  public var readers: Int
  /// Milliseconds that a statement waits for a lock of another process before it is a `.conflict`.
  public var busyTimeout: Int
  /// Prepared statements that a connection keeps.
  public var statements: Int
  /// Pages that the connection which writes keeps in memory, in KiB: what a transaction changes should fit. More would be
  /// filled with every page that is ever touched, while the kernel has the file in memory as well.
  public var cacheKiB: Int
  /// The same of each that reads. They forget their pages with every commit.
  public var readerCacheKiB: Int
  /// SQL functions that every connection knows.
  public var functions: [SQLiteFunction]

  public init(
    readers: Int = 3, busyTimeout: Int = 5_000, statements: Int = 128, cacheKiB: Int = 2_048,
    readerCacheKiB: Int = 512, functions: [SQLiteFunction] = []
  ) {
    self.readers = readers
    self.busyTimeout = busyTimeout
    self.statements = statements
    self.cacheKiB = cacheKiB
    self.readerCacheKiB = readerCacheKiB
    self.functions = functions
  }
}
