import Foundation

/// A value that another thread will give. It can be asked for before anybody waits for it, so that work which needs it
/// only in the end goes on meanwhile.
public final class PendingValue<Value: Sendable>: @unchecked Sendable {
  public typealias Handler = @Sendable (Value) -> Void

  private let lock = NSLock()
  private var given: Value?
  private var handlers: [Handler] = []

  public init() {}

  /// Gives the value. The first that is given counts.
  public func give(_ value: Value) {
    lock.lock()
    var waiting: [Handler] = []
    if given == nil {
      given = value
      swap(&waiting, &handlers)
    }
    lock.unlock()
    for handler in waiting { handler(value) }
  }

  /// The value, if it was given. Never waits.
  public var current: Value? { lock.withLock { given } }

  /// Calls `handler` once: now where the value is there, or else on the thread that gives it.
  public func whenGiven(_ handler: @escaping Handler) {
    lock.lock()
    let given = given
    if given == nil { handlers.append(handler) }
    lock.unlock()
    if let given { handler(given) }
  }

  /// Waits until the value was given.
  public var value: Value {
    get async {
      if let current { return current }
      return await withCheckedContinuation { continuation in
        whenGiven { continuation.resume(returning: $0) }
      }
    }
  }
}
