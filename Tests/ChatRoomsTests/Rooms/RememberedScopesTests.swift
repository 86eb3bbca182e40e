import Testing

@testable import ChatRooms

@Suite struct RememberedScopesTests {
  private let scope = ReadScope(isUnlimited: false, rooms: [3, 7], closedRooms: [])

  @Test func aScopeStandsInForAMinuteAndForItsUserAlone() {
    let scopes = RememberedScopes()
    let now = ContinuousClock.now
    scopes.keep(scope, of: 1, isAdmin: false, readAt: now)
    #expect(scopes.scope(of: 1, isAdmin: false, now: now + .seconds(59)) == scope)
    #expect(scopes.scope(of: 1, isAdmin: false, now: now + .seconds(61)) == nil)
    #expect(scopes.scope(of: 2, isAdmin: false, now: now) == nil)
    #expect(scopes.scope(of: 1, isAdmin: true, now: now) == nil)
    #expect(scopes.scope(of: nil, isAdmin: false, now: now) == nil)
  }

  @Test func whenSomebodyIsRemovedNothingIsRemembered() {
    let scopes = RememberedScopes()
    let before = ContinuousClock.now
    scopes.keep(scope, of: 1, isAdmin: false, readAt: before)
    scopes.forgetAll()
    #expect(scopes.scope(of: 1, isAdmin: false) == nil)
    // A read that began before.
    scopes.keep(scope, of: 1, isAdmin: false, readAt: before)
    #expect(scopes.scope(of: 1, isAdmin: false) == nil)
  }
}
