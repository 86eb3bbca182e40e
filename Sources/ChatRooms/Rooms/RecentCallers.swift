import Foundation

/// Users who called this server a short time ago, or are connected to it: what they may read is read ahead, so that an
/// outage of the database does not take their search from them.
final class RecentCallers: @unchecked Sendable {
  /// How long a user counts after the last call. A connection counts as a call whenever it is pinged.
  static let lifetime: Duration = .seconds(60)
  /// Users kept at once; those beyond it find no place until others have gone.
  static let capacity = 10_000

  typealias Instant = ContinuousClock.Instant

  private let lock = NSLock()
  private var callers: [String: (user: User, calledAt: Instant)] = [:]

  func noteCall(of user: User, now: Instant = .now) {
    lock.withLock {
      if callers[user.name] != nil || callers.count < Self.capacity { callers[user.name] = (user, now) }
    }
  }

  /// The user is still there. One who is not known any more does not come back by that: he may have been deleted.
  func noteConnection(of user: User, now: Instant = .now) {
    lock.withLock { if callers[user.name]?.user.id == user.id { callers[user.name]?.calledAt = now } }
  }

  func user(named name: String, now: Instant = .now) -> User? {
    lock.withLock { callers[name].flatMap { now - $0.calledAt <= Self.lifetime ? $0.user : nil } }
  }

  /// All, after those who have gone were dropped.
  func all(now: Instant = .now) -> [User] {
    lock.withLock {
      callers = callers.filter { now - $0.value.calledAt <= Self.lifetime }
      return callers.values.map(\.user)
    }
  }

  func forget(_ name: String) { lock.withLock { callers[name] = nil } }
  func forgetAll() { lock.withLock { callers = [:] } }
}
