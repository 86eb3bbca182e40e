import Testing

@testable import ChatRooms

@Suite struct RememberedScopesTests {
  private let scope = ReadScope(isUnlimited: false, rooms: [3, 7], closedRooms: [])
  private let john = ScopeKey(user: 1, isAdmin: false)

  @Test func aScopeStandsInForAMinuteAndForItsUserAlone() {
    let scopes = RememberedScopes()
    let now = ContinuousClock.now
    scopes.keep(scope, of: john, readAt: now)
    #expect(scopes.scope(of: john, now: now + .seconds(59)) == scope)
    #expect(scopes.scope(of: john, now: now + .seconds(61)) == nil)
    #expect(scopes.scope(of: ScopeKey(user: 2, isAdmin: false), now: now) == nil)
    #expect(scopes.scope(of: ScopeKey(user: 1, isAdmin: true), now: now) == nil)
    #expect(scopes.scope(of: ScopeKey(user: nil, isAdmin: false), now: now) == nil)
  }

  @Test func whenSomebodyIsRemovedNothingIsRemembered() {
    let scopes = RememberedScopes()
    let before = ContinuousClock.now
    scopes.keep(scope, of: john, readAt: before)
    scopes.forgetAll()
    #expect(scopes.scope(of: john) == nil)
    // A read that began before.
    scopes.keep(scope, of: john, readAt: before)
    #expect(scopes.scope(of: john) == nil)
  }
}
