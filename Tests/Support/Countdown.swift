import Foundation

/// How many are still at work; others look, or wait until none is.
public final class Countdown: @unchecked Sendable {
  private let condition = NSCondition()
  private var count: Int

  public init(_ count: Int) { self.count = count }

  public func arrive() {
    condition.lock()
    count -= 1
    if count <= 0 { condition.broadcast() }
    condition.unlock()
  }

  public var isOver: Bool { condition.withLock { count <= 0 } }

  /// Returns false if the time is over before.
  public func wait(within time: TimeInterval) -> Bool {
    let deadline = Date(timeIntervalSinceNow: time)
    condition.lock()
    defer { condition.unlock() }
    while count > 0 {
      if !condition.wait(until: deadline) { return count <= 0 }
    }
    return true
  }
}
