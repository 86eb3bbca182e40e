import Foundation

/// Users who called this server a short time ago, or are connected to it: what they may read is read ahead, so that an
/// outage of the database does not take their search from them.
final class RecentCallers: @unchecked Sendable {
  /// How long a user counts after the last call. A connection calls whenever it is pinged.
  static let lifetime: Duration = .seconds(60)
  /// Users kept at once; those beyond it find no place until others have gone.
  static let capacity = 10_000

  private let lock = NSLock()
  private var callers: [String: (user: User, calledAt: ContinuousClock.Instant)] = [:]

  func note(_ user: User, now: ContinuousClock.Instant = .now) {
    lock.withLock {
      if callers[user.name] == nil, callers.count >= Self.capacity {
        callers = callers.filter { now - $0.value.calledAt <= Self.lifetime }
        guard callers.count < Self.capacity else { return }
      }
      callers[user.name] = (user, now)
    }
  }

  func user(named name: String, now: ContinuousClock.Instant = .now) -> User? {
    lock.withLock { callers[name].flatMap { now - $0.calledAt <= Self.lifetime ? $0.user : nil } }
  }

  var all: [User] {
    let now = ContinuousClock.now
    return lock.withLock {
      callers = callers.filter { now - $0.value.calledAt <= Self.lifetime }
      return callers.values.map(\.user)
    }
  }

  func forget(_ name: String) { lock.withLock { callers[name] = nil } }
  func forgetAll() { lock.withLock { callers = [:] } }
}
