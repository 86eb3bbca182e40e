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
    scopes.changed(7, isClosure: false, now: now + .seconds(1))
    scopes.changed(9, isClosure: true, now: now + .seconds(1))
    #expect(scopes.expected(of: john, now: now + .seconds(2)) == nil)
    let less = ReadScope(isUnlimited: false, rooms: [3], closedRooms: [1, 9])
    #expect(scopes.lastKnown(of: john, now: now + .seconds(2)) == less)
    // A read that began before the change brings nothing back.
    scopes.keep(scope, of: john, readAt: now + .milliseconds(500))
    #expect(scopes.lastKnown(of: john, now: now + .seconds(2)) == less)
    scopes.keep(scope, of: john, readAt: now + .seconds(2))
    #expect(scopes.expected(of: john, now: now + .seconds(2)) == scope)
    #expect(scopes.lastKnown(of: john, now: now + .seconds(2)) == scope)
  }

  @Test func changesThatWereHeardAtOnceCountWhicheverIsNotedFirst() {
    let scopes = RememberedScopes()
    let now = ContinuousClock.now
    scopes.keep(scope, of: john, readAt: now)
    scopes.changed(7, isClosure: false, now: now + .milliseconds(1))
    scopes.changed(3, isClosure: false, now: now - .milliseconds(1))
    #expect(scopes.lastKnown(of: john, now: now + .seconds(1))?.rooms == [])
  }

  /// A public room is in nobody's list, and somebody leaves one all the time.
  @Test func whoLeavesARoomOfOthersChangesNothing() {
    let scopes = RememberedScopes()
    let now = ContinuousClock.now
    scopes.keep(scope, of: john, readAt: now)
    scopes.changed(5, isClosure: false, now: now)
    #expect(scopes.expected(of: john, now: now) == scope)
    #expect(scopes.lastKnown(of: john, now: now) == scope)
    #expect(scopes.due([john], age: .seconds(20), now: now) == [])
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
    scopes.keep(scope, of: john, readAt: now)
    let old = now - RememberedScopes.lifetime - .seconds(1)
    for room in 0..<RememberedScopes.mostChanges { scopes.changed(RoomID(room + 10), isClosure: true, now: old) }
    for room in 0..<RememberedScopes.mostChanges { scopes.changed(RoomID(room + 10), isClosure: true, now: now) }
    #expect(scopes.lastKnown(of: john)?.closedRooms.count == RememberedScopes.mostChanges + 1)
    scopes.changed(7, isClosure: true, now: now)
    #expect(scopes.lastKnown(of: john) == nil)
  }

  @Test func scopesAreBoundedAndTheOldOnesGoFirst() {
    let scopes = RememberedScopes()
    let now = ContinuousClock.now
    let old = now - RememberedScopes.lifetime - .seconds(1)
    scopes.keep(scope, of: john, readAt: now)
    for user in 2...RememberedScopes.capacity {
      scopes.keep(scope, of: ScopeKey(user: UserID(user), isAdmin: false), readAt: old)
    }
    // To read one anew takes no place.
    scopes.keep(scope, of: john, readAt: now + .seconds(1))
    scopes.keep(scope, of: ScopeKey(user: nil, isAdmin: false), readAt: now)
    #expect(scopes.expected(of: john, now: now + .seconds(1)) == scope)
    #expect(scopes.expected(of: ScopeKey(user: nil, isAdmin: false), now: now) == scope)
  }

  @Test func whatIsOldOrOvertakenIsDueTheOldestFirst() {
    let scopes = RememberedScopes()
    let now = ContinuousClock.now
    let keys = (1...4).map { ScopeKey(user: $0, isAdmin: false) }
    for (age, key) in zip([5, 30, 10] as [Int64], keys) { scopes.keep(scope, of: key, readAt: now - .seconds(age)) }
    #expect(scopes.due(keys, age: .seconds(20), now: now) == [keys[3], keys[1]])
    scopes.changed(7, isClosure: false, now: now - .seconds(7))
    #expect(scopes.due(keys, age: .seconds(20), now: now) == [keys[3], keys[1], keys[2]])
  }
}

@Suite struct RecentCallersTests {
  private func user(_ id: UserID, _ name: String) -> User { User(id: id, name: name, displayName: nil, createdAt: 0) }

  @Test func aUserCountsForAMinuteAfterTheLastSign() {
    let (callers, now) = (RecentCallers(), ContinuousClock.now)
    callers.noteCall(of: user(1, "ann"), now: now)
    callers.noteConnection(of: user(1, "ann"), now: now + .seconds(50))
    #expect(callers.user(named: "ann", now: now + .seconds(110))?.id == 1)
    #expect(callers.user(named: "ann", now: now + .seconds(111)) == nil)
    #expect(callers.all(now: now + .seconds(111)) == [])
  }

  @Test func aConnectionAloneBringsNobodyBack() {
    let callers = RecentCallers()
    callers.noteConnection(of: user(1, "ann"))
    #expect(callers.user(named: "ann") == nil)
    callers.noteCall(of: user(1, "ann"))
    callers.forget("ann")
    callers.noteConnection(of: user(1, "ann"))
    #expect(callers.user(named: "ann") == nil)
    // Another of the same name.
    callers.noteCall(of: user(2, "ann"), now: .now - .seconds(50))
    callers.noteConnection(of: user(1, "ann"))
    #expect(callers.user(named: "ann", now: .now + .seconds(20)) == nil)
  }

  @Test func theyAreBounded() {
    let (callers, now) = (RecentCallers(), ContinuousClock.now)
    for id in 0...RecentCallers.capacity { callers.noteCall(of: user(UserID(id), "user-\(id)"), now: now) }
    #expect(callers.user(named: "user-\(RecentCallers.capacity)", now: now) == nil)
    #expect(callers.all(now: now).count == RecentCallers.capacity)
    #expect(callers.all(now: now + .seconds(61)) == [])
    callers.noteCall(of: user(1, "late"), now: now + .seconds(61))
    #expect(callers.user(named: "late", now: now + .seconds(61)) != nil)
  }
}
