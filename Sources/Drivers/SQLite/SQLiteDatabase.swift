import Foundation

/// A SQLite file: one connection that writes, on its own thread, and some that read beside it.
///
/// As a write-ahead log has one writer at a time anyway, all writes of this process wait in one queue, first come first
/// served, instead of polling for the lock. Another process (a backup, an import) may use the file too.
public final class SQLiteDatabase: SQLDatabase {
  public let dialect = SQLDialect.sqlite
  public let path: String
  private let writer: SQLiteWorker
  private let readers: [SQLiteWorker]
  private let turn = Turn()

  /// - Throws: `SQLError`.
  public init(path: String, options: SQLiteOptions = SQLiteOptions()) throws {
    self.path = path
    writer = SQLiteWorker(name: "sqlite-writer", connection: try SQLiteConnection(path: path, options: options)) {
      try SQLiteConnection(path: path, options: options)
    }
    var readers: [SQLiteWorker] = []
    for number in 0..<max(1, options.readers) {
      let connection = try SQLiteConnection(path: path, access: .readOnly, options: options)
      readers.append(
        SQLiteWorker(name: "sqlite-read-\(number)", connection: connection) {
          try SQLiteConnection(path: path, access: .readOnly, options: options)
        })
    }
    self.readers = readers
  }

  /// On the writer's connection, as it is not known whether `body` writes. Use `withReader` where it does not.
  public func withConnection<Result: Sendable>(
    _ body: @escaping @Sendable (any SQLConnection) throws -> Result
  ) async throws -> Result {
    try await writer.run(body)
  }

  /// On a connection that refuses to write; sees everything that was committed before.
  public func withReader<Result: Sendable>(
    _ body: @escaping @Sendable (any SQLConnection) throws -> Result
  ) async throws -> Result {
    try await read(body)
  }

  /// As `withReader`, with what only SQLite's connections offer.
  public func read<Result: Sendable>(
    _ body: @escaping @Sendable (SQLiteConnection) throws -> Result
  ) async throws -> Result {
    try await readers[turn.next(of: readers.count)].run(body)
  }

  public func submitRead(_ job: @escaping @Sendable (Result<any SQLConnection, any Error>) -> Void) {
    readers[turn.next(of: readers.count)].submit { connection in
      job(.success(connection))
    } completion: { result in
      if case .failure(let error) = result { job(.failure(error)) }
    }
  }

  /// On the writer's connection, for a thread that may block.
  public func writeAndWait<Result: Sendable>(
    _ body: @escaping @Sendable (SQLiteConnection) throws -> Result
  ) throws -> Result {
    try writer.runAndWait(body)
  }

  /// Finishes what waits and closes the connections. Blocks.
  public func close() {
    for reader in readers { reader.stop() }
    writer.stop()
  }
}

/// Readers take turns.
private final class Turn: @unchecked Sendable {
  private let lock = NSLock()
  private var last = 0

  func next(of count: Int) -> Int {
    lock.lock()
    defer { lock.unlock() }
    last = (last + 1) % count
    return last
  }
}
