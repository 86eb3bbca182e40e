import Foundation

/// What users could read a short time ago: for searches that begin before the database has answered, and for those
/// that it does not answer.
final class RememberedScopes: @unchecked Sendable {
  /// How long a scope may stand in for the present one.
  static let lifetime: Duration = .seconds(60)
  /// Scopes kept at once: those of recent callers, and as many of others.
  static let capacity = 2 * RecentCallers.capacity
  /// Changes kept at once; with more, scopes are forgotten instead.
  static let mostChanges = 1_000

  typealias Instant = ContinuousClock.Instant

  private struct Known {
    var scope: ReadScope
    var readAt: Instant
  }

  private struct Change {
    var room: RoomID
    /// Else somebody may have left it.
    var isClosure: Bool
    var heardAt: Instant

    /// A public room is in nobody's list: of those only their end matters.
    func concerns(_ scope: ReadScope) -> Bool { isClosure || scope.rooms.holds(room) }
  }

  private let lock = NSLock()
  private var scopes: [ScopeKey: Known] = [:]
  private var forgottenAt: Instant?
  /// In the order in which they were heard.
  private var changes: [Change] = []

  /// - Parameter readAt: when the database was asked.
  func keep(_ scope: ReadScope, of key: ScopeKey, readAt: Instant) {
    lock.withLock {
      // It may have been read just before somebody was removed.
      if let forgottenAt, readAt <= forgottenAt { return }
      if let known = scopes[key] {
        guard known.readAt <= readAt else { return }
      } else if scopes.count >= Self.capacity {
        scopes = scopes.filter { readAt - $0.value.readAt <= Self.lifetime }
        if scopes.count >= Self.capacity { scopes = [:] }
      }
      scopes[key] = Known(scope: scope, readAt: readAt)
    }
  }

  /// The scope, if nothing was heard since that makes it less; to be confirmed.
  func expected(of key: ScopeKey, now: Instant = .now) -> ReadScope? {
    lock.withLock {
      guard let known = scopes[key], now - known.readAt <= Self.lifetime else { return nil }
      return Self.since(known.readAt, changes).contains { $0.concerns(known.scope) } ? nil : known.scope
    }
  }

  /// The scope without any room that has changed since, for while nobody can confirm it.
  func lastKnown(of key: ScopeKey, now: Instant = .now) -> ReadScope? {
    lock.withLock {
      guard let known = scopes[key], now - known.readAt <= Self.lifetime else { return nil }
      var scope = known.scope
      let changes = Self.since(known.readAt, changes).filter { $0.concerns(scope) }
      guard !changes.isEmpty else { return scope }
      let changed = Set(changes.map(\.room))
      scope.rooms.removeAll { changed.contains($0) }
      scope.closedRooms = Set(scope.closedRooms).union(changes.lazy.filter(\.isClosure).map(\.room)).sorted()
      return scope
    }
  }

  /// Whose scopes are unknown, older than this, or of before one of their rooms changed: the oldest first.
  func due(_ keys: [ScopeKey], age: Duration, now: Instant = .now) -> [ScopeKey] {
    // Looked through beside the lock, which each search takes.
    let (scopes, changes) = lock.withLock { (self.scopes, self.changes) }
    var due: [(key: ScopeKey, readAt: Instant)] = []
    for key in keys {
      guard let known = scopes[key] else {
        due.append((key, now - Self.lifetime))
        continue
      }
      if now - known.readAt >= age || Self.since(known.readAt, changes).contains(where: { $0.concerns(known.scope) }) {
        due.append((key, known.readAt))
      }
    }
    return due.sorted { $0.readAt < $1.readAt }.map(\.key)
  }

  /// A room was closed, or somebody may have left it.
  func changed(_ room: RoomID, isClosure: Bool, now: Instant = .now) {
    lock.withLock {
      if changes.count >= Self.mostChanges {
        changes.removeFirst(changes.count - Self.since(now - Self.lifetime, changes).count)
      }
      if changes.count >= Self.mostChanges { forgetAll(now) }
      // Two who heard at once may come here the other way round, and `since` ends at the first that is older.
      let heardAt = max(now, changes.last?.heardAt ?? now)
      changes.append(Change(room: room, isClosure: isClosure, heardAt: heardAt))
    }
  }

  /// Changes may have gone unheard.
  func forgetAll() { lock.withLock { forgetAll(.now) } }

  /// Only with the lock held.
  private func forgetAll(_ now: Instant) {
    scopes = [:]
    changes = []
    forgottenAt = now
  }

  private static func since(_ time: Instant, _ changes: [Change]) -> ArraySlice<Change> {
    changes.suffix(changes.reversed().prefix { $0.heardAt >= time }.count)
  }
}

extension [RoomID] {
  /// Whether it is in the list, which rises.
  fileprivate func holds(_ room: RoomID) -> Bool {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = low + (high - low) / 2
      if self[middle] < room { low = middle + 1 } else { high = middle }
    }
    return low < endIndex && self[low] == room
  }
}
