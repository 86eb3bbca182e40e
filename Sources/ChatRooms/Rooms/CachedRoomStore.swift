import Drivers

/// A room store with two caches in front: this server's memory for seconds, and Redis for a minute.
///
/// Cached are rooms by id, users by name, and memberships, "no member" too (in memory alone). What this server changes
/// is void everywhere before the call returns, if Redis answers; if it does not, other servers may see the old state for
/// seconds; removals and closed rooms they notice by the journal, within a second. Listings, members and `readScope` are
/// always read from the database. A cached membership's `readSeq` may be old.
///
/// While the database of a stack does not answer, rooms, memberships and what may be read are what they were up to a
/// minute ago; `keepScopes` reads the latter ahead for those who have called or are connected.
public final class CachedRoomStore: RoomStore {
  /// Milliseconds in memory.
  static let lifetime = 5_000
  /// Milliseconds that "no member" is kept: a public room takes members without telling other servers.
  static let absenceLifetime = 1_000
  /// Milliseconds that a value in memory stands in for the database while that does not answer.
  static let standIn = 60_000
  /// How old a caller's scope may become before it is read again, how often those that are older, or of before a room
  /// changed, are looked for, and how many at most are read then.
  static let scopeAge: Duration = .seconds(20)
  static let scopePause: Duration = .seconds(1)
  static let scopesAtOnce = 4 * ScopeKey.mostAtOnce
  /// Values of each kind in memory.
  static let capacity = 20_000

  let store: any RoomStore
  let shared: RedisCache?
  private let bus: any Bus
  private let rooms: MemoryCache<RoomID, Room?>
  private let users: MemoryCache<String, User?>
  private let memberships: MemoryCache<MembershipKey, Membership?>
  let scopes = RememberedScopes()
  let callers = RecentCallers()
  private let sharedHits: Counter
  private let misses: Counter

  /// - Parameters:
  ///   - client: started after this; `nil` for a server alone.
  ///   - bus: started after this.
  ///   - patience: milliseconds that Redis may take before the database is asked instead.
  public init(
    _ store: any RoomStore, client: RedisClient?, prefix: String, bus: any Bus, patience: Int = 50,
    metrics: Metrics = Metrics()
  ) {
    self.store = store
    self.bus = bus
    shared = client.map { RedisCache(client: $0, prefix: prefix, patience: patience) }
    // Where nothing is shared, the database is a file here.
    let standIn = client == nil ? 0 : Self.standIn
    rooms = MemoryCache(
      capacity: Self.capacity, standIn: { $0 == nil ? 0 : standIn }, after: \.isDatabaseOutage,
      lifetime: { $0 == nil ? 0 : Self.lifetime })
    users = MemoryCache(capacity: Self.capacity) { $0 == nil ? 0 : Self.lifetime }
    memberships = MemoryCache(
      capacity: Self.capacity, standIn: { $0 == nil ? 0 : standIn }, after: \.isDatabaseOutage,
      lifetime: { $0 == nil ? Self.absenceLifetime : Self.lifetime })
    sharedHits = metrics.counter("palaver_room_cache_shared_hits_total", "Rooms, users, memberships found in Redis.")
    misses = metrics.counter("palaver_room_cache_misses_total", "Rooms, users, memberships read from the database.")
    bus.onMessage { [weak self] in self?.hear($0) }
  }

  // MARK: What is cached

  public func room(_ id: RoomID) async throws -> Room? {
    try await rooms.value(for: id) {
      try await load("room:\(id)", tag: Self.tag(room: id), RoomCacheCodec.room, RoomCacheCodec.encode) {
        try await store.room(id)
      }
    }
  }

  /// Most are in memory, and nothing is waited for then.
  public func rooms(_ ids: Set<RoomID>) async throws -> [Room] {
    var found: [Room] = []
    var missing: Set<RoomID> = []
    for id in ids {
      if let kept = rooms.valueInMemory(for: id) { found += [kept].compactMap { $0 } } else { missing.insert(id) }
    }
    guard !missing.isEmpty else { return found }
    return try await withThrowingTaskGroup(of: Room?.self) { group in
      for id in missing { group.addTask { try await self.room(id) } }
      return try await group.reduce(into: found) { if let room = $1 { $0.append(room) } }
    }
  }

  public func user(named name: String) async throws -> User? {
    do {
      return try await users.value(for: name) {
        try await load("user:\(name)", tag: Self.tag(user: name), RoomCacheCodec.user, RoomCacheCodec.encode) {
          try await store.user(named: name)
        }
      }
    } catch let error where error.isDatabaseOutage {
      guard let user = callers.user(named: name) else { throw error }
      return user
    }
  }

  public func ensureUser(name: String) async throws -> User {
    if let user = try await user(named: name) { return user }
    return try await store.ensureUser(name: name)
  }

  public func membership(room: RoomID, user: UserID) async throws -> Membership? {
    try await memberships.value(for: MembershipKey(room: room, user: user)) {
      try await load(
        Self.key(room, user), tag: Self.tag(room: room), RoomCacheCodec.membership, RoomCacheCodec.encode
      ) {
        try await store.membership(room: room, user: user)
      }
    }
  }

  public func newestMembership(room: RoomID, user: UserID) async throws -> Membership? {
    do {
      return try await store.membership(room: room, user: user)
    } catch let error where error.isDatabaseOutage {
      return try await membership(room: room, user: user)
    }
  }

  public func roomInMemory(_ id: RoomID) -> Room? { rooms.valueInMemory(for: id) ?? nil }
  public func userInMemory(named name: String) -> User? { users.valueInMemory(for: name) ?? nil }

  public func membershipInMemory(room: RoomID, user: UserID) -> Membership?? {
    memberships.valueInMemory(for: MembershipKey(room: room, user: user))
  }

  /// From Redis, or else from the database and then into Redis.
  private func load<Value: Sendable>(
    _ key: String, tag: String, _ decode: ([UInt8]) -> Value?, _ encode: (Value) -> [UInt8],
    read: () async throws -> Value?
  ) async throws -> Value? {
    let found = await shared?.look(up: key, tag: tag)
    if let value = found?.value.flatMap(decode) {
      sharedHits.add()
      return value
    }
    misses.add()
    let value = try await read()
    if let value, let stamp = found?.stamp { shared?.store(encode(value), for: key, tag: tag, stamp: stamp) }
    return value
  }

  // MARK: Changes

  public func createUser(name: String, displayName: String?) async throws -> User {
    try await store.createUser(name: name, displayName: displayName)
  }

  public func updateUser(_ user: User, displayName: String?) async throws -> User {
    let updated = try await store.updateUser(user, displayName: displayName)
    await userChanged(user.name)
    return updated
  }

  public func deleteUser(_ user: User, messages fate: MessageFate) async throws {
    try await store.deleteUser(user, messages: fate)
    await userChanged(user.name)
  }

  @discardableResult
  public func deleteAllUsers() async throws -> UserID {
    let last = try await store.deleteAllUsers()
    await everythingChanged()
    return last
  }

  public func createRoom(_ new: NewRoom, by creator: User?) async throws -> (room: Room, position: RoomPosition) {
    try await store.createRoom(new, by: creator)
  }

  public func updateRoom(_ id: RoomID, name: String??, topic: String??) async throws -> Room {
    let room = try await store.updateRoom(id, name: name, topic: topic)
    await roomChanged(id)
    return room
  }

  public func addMember(_ user: User, to room: RoomID, role: Membership.Role) async throws -> Bool {
    let isNew = try await store.addMember(user, to: room, role: role)
    // The member is stored: a failure from here on is none of the caller's.
    let kind = (try? await self.room(room))?.kind
    if isNew, kind == .public {
      // Anybody may enter a public room, thousands at once: "no member" of it does no harm for its second.
      memberships.remove(MembershipKey(room: room, user: user.id))
    } else {
      await roomChanged(room)
    }
    return isNew
  }

  public func markRead(room: RoomID, user: UserID, seq: Int64) async throws -> Membership? {
    let membership = try await store.markRead(room: room, user: user, seq: seq)
    memberships.remove(MembershipKey(room: room, user: user))
    shared?.remove(Self.key(room, user))
    return membership
  }

  // MARK: Invalidation

  /// A room or its memberships were changed in another way than through this store: by an event in the journal.
  /// Returns once Redis knows, or does not answer.
  ///
  /// - Parameter isClosure: the room has ended.
  public func roomChanged(_ id: RoomID, isClosure: Bool = false) async {
    forget(room: id, isClosure: isClosure)
    await tell(.roomChanged(id)) { $0.invalidate(tag: Self.tag(room: id), completion: $1) }
  }

  public func userChanged(_ name: String) async {
    forget(user: name)
    await tell(.userChanged(name: name)) { $0.invalidate(tag: Self.tag(user: name), completion: $1) }
  }

  public func everythingChanged() async {
    forgetEverybody()
    await tell(.everythingChanged) { $0.invalidateAll(completion: $1) }
  }

  /// Empties this server's memory: messages of other servers may have been missed.
  public func forgetEverything() {
    scopes.forgetAll()
    rooms.removeAll { _ in true }
    users.removeAll { _ in true }
    memberships.removeAll { _ in true }
  }

  /// Redis first, so that a server which hears of it does not find the old value there. Both are on their way before
  /// anybody waits.
  private func tell(
    _ message: BusMessage, invalidate: (RedisCache, @escaping @Sendable () -> Void) -> Void
  ) async {
    guard let shared else { return bus.publish(message) }
    await withCheckedContinuation { continuation in
      invalidate(shared) { continuation.resume() }
      bus.publish(message)
    }
  }

  private func hear(_ message: BusMessage) {
    switch message {
    case .roomChanged(let id): forget(room: id, isClosure: false)
    case .userChanged(let name): forget(user: name)
    case .everythingChanged: forgetEverybody()
    case .events(let events):
      for event in events where event.kind == .removal || event.kind == .closure {
        forget(room: event.room, isClosure: event.kind == .closure)
      }
    case .presence, .typing, .usersDeleted: break
    }
  }

  private func forget(room: RoomID, isClosure: Bool) {
    scopes.changed(room, isClosure: isClosure)
    rooms.remove(room)
    memberships.removeAll { $0.room == room }
  }

  private func forgetEverybody() {
    forgetEverything()
    callers.forgetAll()
  }

  private func forget(user name: String) {
    users.remove(name)
    callers.forget(name)
  }

  private static func key(_ room: RoomID, _ user: UserID) -> String { "member:\(room):\(user)" }
  private static func tag(room: RoomID) -> String { "room:\(room)" }
  private static func tag(user: String) -> String { "user:\(user)" }
}
