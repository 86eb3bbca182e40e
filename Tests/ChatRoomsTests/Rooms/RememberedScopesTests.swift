import Testing

@testable import ChatRooms

@Suite struct RememberedScopesTests {
  private let scope = ReadScope(isUnlimited: false, rooms: [3, 7], closedRooms: [1])
  private let john = ScopeKey(user: 1, isAdmin: false)

  @Test func aScopeStandsInForAMinuteAndForItsUserAlone() {
    let scopes = RememberedScopes()
    let now = ContinuousClock.now
    scopes.keep(scope, of: john, readAt: now)
    for ask in [scopes.expected, scopes.lastKnown] {
      #expect(ask(john, now + .seconds(59)) == scope)
      #expect(ask(john, now + .seconds(61)) == nil)
      #expect(ask(ScopeKey(user: 2, isAdmin: false), now) == nil)
      #expect(ask(ScopeKey(user: 1, isAdmin: true), now) == nil)
      #expect(ask(ScopeKey(user: nil, isAdmin: false), now) == nil)
    }
  }

  @Test func aRoomThatChangedIsLeftOutUntilItIsReadAgain() {
    let scopes = RememberedScopes()
    let now = ContinuousClock.now
    scopes.keep(scope, of: john, readAt: now)
    scopes.changed(7, now: now + .seconds(1))
    scopes.changed(9, now: now + .seconds(1))
    #expect(scopes.expected(of: john, now: now + .seconds(2)) == nil)
    let less = ReadScope(isUnlimited: false, rooms: [3], closedRooms: [1, 7, 9])
    #expect(scopes.lastKnown(of: john, now: now + .seconds(2)) == less)
    // A read that began before the change brings nothing back.
    scopes.keep(scope, of: john, readAt: now + .milliseconds(500))
    #expect(scopes.lastKnown(of: john, now: now + .seconds(2)) == less)
    scopes.keep(scope, of: john, readAt: now + .seconds(2))
    #expect(scopes.expected(of: john, now: now + .seconds(2)) == scope)
    #expect(scopes.lastKnown(of: john, now: now + .seconds(2)) == scope)
  }

  @Test func whereChangesMayHaveGoneUnheardNothingIsRemembered() {
    let scopes = RememberedScopes()
    let before = ContinuousClock.now
    scopes.keep(scope, of: john, readAt: before)
    scopes.forgetAll()
    #expect(scopes.lastKnown(of: john) == nil)
    // A read that began before.
    scopes.keep(scope, of: john, readAt: before)
    #expect(scopes.lastKnown(of: john) == nil)
  }

  @Test func changesAreBounded() {
    let scopes = RememberedScopes()
    let now = ContinuousClock.now
    scopes.keep(scope, of: john, readAt: now - .seconds(1))
    for room in 0...RememberedScopes.mostChanges { scopes.changed(RoomID(room + 10), now: now) }
    #expect(scopes.lastKnown(of: john) == nil)
  }

  @Test func whatIsOldOrOvertakenIsDueTheOldestFirst() {
    let scopes = RememberedScopes()
    let now = ContinuousClock.now
    let keys = (1...4).map { ScopeKey(user: $0, isAdmin: false) }
    for (age, key) in zip([5, 30, 10] as [Int64], keys) { scopes.keep(scope, of: key, readAt: now - .seconds(age)) }
    #expect(scopes.due(keys, age: .seconds(20), now: now) == [keys[3], keys[1]])
    scopes.changed(7, now: now - .seconds(7))
    #expect(scopes.due(keys, age: .seconds(20), now: now) == [keys[3], keys[1], keys[2]])
  }
}
