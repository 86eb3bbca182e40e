import Drivers

/// What callers may read.
extension CachedRoomStore {
  public func readScope(of user: UserID?, isAdmin: Bool) async throws -> ReadScope {
    let key = ScopeKey(user: user, isAdmin: isAdmin)
    let start = ContinuousClock.now
    do {
      let scope = try await store.readScope(of: user, isAdmin: isAdmin)
      scopes.keep(scope, of: key, readAt: start)
      return scope
    } catch let error where error.isDatabaseOutage {
      // Every admin may read the same.
      let nameless = isAdmin ? scopes.lastKnown(of: ScopeKey(user: nil, isAdmin: true)) : nil
      guard let scope = scopes.lastKnown(of: key) ?? nameless else { throw error }
      return scope
    }
  }

  public func expectedScope(_ key: ScopeKey) -> ReadScope? { scopes.expected(of: key) }

  public func remember(_ scope: ReadScope, of key: ScopeKey, readAt: ContinuousClock.Instant) {
    scopes.keep(scope, of: key, readAt: readAt)
  }

  public func noteCall(of user: User) { if shared != nil { callers.noteCall(of: user) } }
  public func noteConnection(of user: User) { if shared != nil { callers.noteConnection(of: user) } }

  /// Reads ahead, until cancelled, what recent callers and who is nobody may read, where the database is another
  /// machine's.
  public func keepScopes() async {
    guard shared != nil else { return }
    while !Task.isCancelled {
      var keys = [ScopeKey(user: nil, isAdmin: false), ScopeKey(user: nil, isAdmin: true)]
      keys += callers.all().map { ScopeKey(user: $0.id, isAdmin: false) }
      let due = scopes.due(keys, age: Self.scopeAge)
      await withTaskGroup { group in
        // An outage is no news here: who searches meets it too.
        for key in due.prefix(Self.scopesAtOnce) {
          group.addTask { _ = try? await self.readScope(of: key.user, isAdmin: key.isAdmin) }
        }
      }
      try? await Task.sleep(for: Self.scopePause)
    }
  }
}
