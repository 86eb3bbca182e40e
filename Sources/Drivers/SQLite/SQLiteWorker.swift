import Foundation

/// One connection on one thread, which does what is put to it, in order. A broken connection is opened anew.
final class SQLiteWorker: Sendable {
  typealias Work = @Sendable (Result<SQLiteConnection, any Error>) -> (any Error)?

  private let queue = WorkQueue<Work>()
  private let thread: WorkerThread

  init(name: String, connection: sending SQLiteConnection, reopen: @escaping @Sendable () throws -> SQLiteConnection) {
    let queue = queue
    let first = Handover(connection)
    thread = WorkerThread(name: name) {
      var connection = first.take()
      while let waiting = queue.takeAll() {
        for work in waiting {
          Self.perform(work, on: &connection, reopen: reopen)
        }
      }
    }
  }

  private static func perform(
    _ work: Work, on connection: inout SQLiteConnection?, reopen: () throws -> SQLiteConnection
  ) {
    do {
      let open = try connection ?? reopen()
      connection = open
      if (work(.success(open)) as? SQLError)?.kind == .unavailable || open.isInTransaction { connection = nil }
    } catch {
      _ = work(.failure(error))
    }
  }

  /// - Throws: what `body` throws; `SQLError` `.unavailable` once the worker is stopped.
  func run<Value: Sendable>(_ body: @escaping @Sendable (SQLiteConnection) throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      submit(body) { continuation.resume(with: $0) }
    }
  }

  /// As `run`, for a thread that may block.
  func runAndWait<Value: Sendable>(_ body: @escaping @Sendable (SQLiteConnection) throws -> Value) throws -> Value {
    let reply = Reply<Value>()
    submit(body) { reply.set($0) }
    return try reply.wait().get()
  }

  /// - Parameter completion: called once, with what `body` gave or threw, or the reason why it did not run.
  func submit<Value: Sendable>(
    _ body: @escaping @Sendable (SQLiteConnection) throws -> Value,
    completion: @escaping @Sendable (Result<Value, any Error>) -> Void
  ) {
    let isAccepted = queue.put { connection in
      let result = Result { try body(connection.get()) }
      completion(result)
      if case .failure(let error) = result { return error }
      return nil
    }
    if !isAccepted {
      completion(.failure(SQLError(kind: .unavailable, code: 0, message: "the database is closed")))
    }
  }

  /// Finishes what waits, closes the connection and returns. Blocks.
  func stop() {
    queue.close()
    thread.join()
  }
}

/// Carries a connection to the thread that it will live on.
private final class Handover: @unchecked Sendable {
  private var connection: SQLiteConnection?

  init(_ connection: sending SQLiteConnection) { self.connection = connection }

  func take() -> SQLiteConnection? {
    defer { connection = nil }
    return connection
  }
}

/// A result that one thread waits for and another sets.
private final class Reply<Value: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private var result: Result<Value, any Error>?

  func set(_ result: Result<Value, any Error>) {
    condition.lock()
    self.result = result
    condition.signal()
    condition.unlock()
  }

  func wait() -> Result<Value, any Error> {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let result { return result }
      condition.wait()
    }
  }
}
