import Foundation

/// Lets callers share queries: whoever asks while one is under way is answered by the next, together with all who asked
/// meanwhile. So many callers at once cost few queries, and each gets what was read after it asked.
public final class BatchedReads<Key: Hashable & Sendable, Value: Sendable>: @unchecked Sendable {
  /// Reads the values of some keys, of each one.
  public typealias Read = @Sendable ([Key], any SQLConnection) throws -> [Key: Value]
  /// Takes a value, or why there is none, on a connection's thread. Must not wait.
  public typealias Answer = @Sendable (Result<Value, any Error>) -> Void

  private struct Caller {
    var key: Key
    var answer: Answer
  }

  /// Keys of one query.
  private let most: Int
  private let database: any SQLDatabase
  private let read: Read
  private let lock = NSLock()
  private var waiting: [Caller] = []
  private var isAtWork = false

  /// - Parameter most: keys that are read at once.
  public init(_ database: any SQLDatabase, most: Int, _ read: @escaping Read) {
    self.database = database
    self.most = max(1, most)
    self.read = read
  }

  /// - Throws: what reading threw; `SQLError` where no connection was to be had.
  public func value(for key: Key) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      submit(key) { continuation.resume(with: $0) }
    }
  }

  /// As `value`, for who does not wait.
  public func submit(_ key: Key, answer: @escaping Answer) {
    let mustBegin = lock.withLock {
      waiting.append(Caller(key: key, answer: answer))
      defer { isAtWork = true }
      return !isAtWork
    }
    if mustBegin { begin() }
  }

  private func begin() { database.submitRead { [self] in work(on: $0) } }

  /// On a connection's thread, until nobody waits.
  private func work(on connection: Result<any SQLConnection, any Error>) {
    while let callers = takeCallers() {
      let values = Result { try read(Array(Set(callers.lazy.map { $0.key })), connection.get()) }
      for caller in callers {
        caller.answer(values.flatMap { Self.value($0, of: caller.key) })
      }
      // The connection may be broken: those who have come meanwhile get another.
      if case .failure = values {
        if lock.withLock({ isGoingOn }) { begin() }
        return
      }
    }
  }

  private static func value(_ values: [Key: Value], of key: Key) -> Result<Value, any Error> {
    if let value = values[key] { return .success(value) }
    return .failure(SQLError(kind: .other, code: 0, message: "A value was not read"))
  }

  /// `nil` once nobody waits, which ends the work.
  private func takeCallers() -> [Caller]? {
    lock.withLock {
      guard isGoingOn else { return nil }
      let taken = Array(waiting.prefix(most))
      waiting.removeFirst(taken.count)
      return taken
    }
  }

  /// Only with the lock held.
  private var isGoingOn: Bool {
    if waiting.isEmpty { isAtWork = false }
    return isAtWork
  }
}
