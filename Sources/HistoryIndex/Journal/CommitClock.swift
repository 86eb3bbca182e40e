import ChatRooms
import Foundation

/// Gives commits their time, and tells up to which time all of them have ended.
///
/// Never goes back, whatever the system's clock does.
final class CommitClock: @unchecked Sendable {
  private let lock = NSLock()
  private let now: @Sendable () -> Milliseconds
  private var last: Milliseconds = 0
  private var underWay: [Milliseconds] = []

  init(now: @escaping @Sendable () -> Milliseconds) { self.now = now }

  /// The time of a commit that begins now; `end` must follow.
  func begin() -> Milliseconds {
    lock.lock()
    defer { lock.unlock() }
    last = max(last, now())
    underWay.append(last)
    return last
  }

  func end(_ time: Milliseconds) {
    lock.lock()
    if let index = underWay.firstIndex(of: time) { underWay.remove(at: index) }
    lock.unlock()
  }

  /// A read that begins after this call sees every commit with a time up to the result, past and future ones.
  func settled() -> Milliseconds {
    lock.lock()
    defer { lock.unlock() }
    // A commit that begins later has this time at least.
    last = max(last, now())
    return (underWay.min() ?? last) - 1
  }
}
