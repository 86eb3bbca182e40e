import Foundation

/// What users could read a short time ago: for searches that begin before the database has answered, and for those
/// that it does not answer.
final class RememberedScopes: @unchecked Sendable {
  /// How long a scope may stand in for the present one.
  static let lifetime: Duration = .seconds(60)
  /// Scopes kept at once.
  static let capacity = 10_000

  private let lock = NSLock()
  private var scopes: [ScopeKey: (scope: ReadScope, readAt: ContinuousClock.Instant)] = [:]
  private var forgottenAt: ContinuousClock.Instant?

  /// - Parameter readAt: when the database was asked.
  func keep(_ scope: ReadScope, of key: ScopeKey, readAt: ContinuousClock.Instant) {
    lock.withLock {
      // It may have been read just before somebody was removed.
      if let forgottenAt, readAt <= forgottenAt { return }
      if scopes.count >= Self.capacity { scopes = [:] }
      scopes[key] = (scope, readAt)
    }
  }

  func scope(of key: ScopeKey, now: ContinuousClock.Instant = .now) -> ReadScope? {
    lock.withLock {
      scopes[key].flatMap { now - $0.readAt <= Self.lifetime ? $0.scope : nil }
    }
  }

  /// Somebody's rooms have become fewer.
  func forgetAll() {
    lock.withLock {
      scopes = [:]
      forgottenAt = .now
    }
  }
}
