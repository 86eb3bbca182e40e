import Foundation

/// What users could read a short time ago: for searches that begin before the database has answered, and for those
/// that it does not answer.
final class RememberedScopes: @unchecked Sendable {
  /// How long a scope may stand in for the present one.
  static let lifetime: Duration = .seconds(60)
  /// Scopes kept at once.
  static let capacity = 10_000
  /// Changed rooms kept at once; with more, scopes are forgotten instead.
  static let mostChanges = 1_000

  private let lock = NSLock()
  private var scopes: [ScopeKey: (scope: ReadScope, readAt: ContinuousClock.Instant)] = [:]
  private var forgottenAt: ContinuousClock.Instant?
  /// Rooms that somebody may have lost, and when this was heard.
  private var changes: [RoomID: ContinuousClock.Instant] = [:]

  /// - Parameter readAt: when the database was asked.
  func keep(_ scope: ReadScope, of key: ScopeKey, readAt: ContinuousClock.Instant) {
    lock.withLock {
      // It may have been read just before somebody was removed.
      if let forgottenAt, readAt <= forgottenAt { return }
      if let known = scopes[key], known.readAt > readAt { return }
      if scopes.count >= Self.capacity { scopes = [:] }
      scopes[key] = (scope, readAt)
    }
  }

  /// The scope, if nothing was heard since that makes it another; to be confirmed.
  func expected(of key: ScopeKey, now: ContinuousClock.Instant = .now) -> ReadScope? {
    lock.withLock {
      guard let known = scopes[key], now - known.readAt <= Self.lifetime else { return nil }
      return changes.contains { $0.value >= known.readAt } ? nil : known.scope
    }
  }

  /// The scope without any room that has changed since, for while nobody can confirm it.
  func lastKnown(of key: ScopeKey, now: ContinuousClock.Instant = .now) -> ReadScope? {
    lock.withLock {
      guard let known = scopes[key], now - known.readAt <= Self.lifetime else { return nil }
      let changed = changes.filter { $0.value >= known.readAt }
      guard !changed.isEmpty else { return known.scope }
      return ReadScope(
        isUnlimited: known.scope.isUnlimited, rooms: known.scope.rooms.filter { changed[$0] == nil },
        closedRooms: Set(known.scope.closedRooms).union(changed.keys).sorted())
    }
  }

  /// Whose scopes are unknown, older than this, or of before a room changed: the oldest first.
  func due(_ keys: [ScopeKey], age: Duration, now: ContinuousClock.Instant = .now) -> [ScopeKey] {
    lock.withLock {
      let lastChange = changes.values.max()
      let known = keys.map { (key: $0, readAt: scopes[$0]?.readAt) }
      return known.filter { _, readAt in
        guard let readAt else { return true }
        return now - readAt >= age || lastChange.map { $0 >= readAt } ?? false
      }
      .sorted { ($0.readAt ?? now - Self.lifetime) < ($1.readAt ?? now - Self.lifetime) }
      .map(\.key)
    }
  }

  /// A room was closed, or somebody may have left it.
  func changed(_ room: RoomID, now: ContinuousClock.Instant = .now) {
    lock.withLock {
      if changes.count >= Self.mostChanges { changes = changes.filter { now - $0.value <= Self.lifetime } }
      if changes.count >= Self.mostChanges { forgetAll(now) }
      changes[room] = now
    }
  }

  /// Changes may have gone unheard.
  func forgetAll() { lock.withLock { forgetAll(.now) } }

  /// Only with the lock held.
  private func forgetAll(_ now: ContinuousClock.Instant) {
    scopes = [:]
    changes = [:]
    forgottenAt = now
  }
}
