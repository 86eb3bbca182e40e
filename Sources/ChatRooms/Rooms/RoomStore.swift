/// What `POST /v1/chatrooms` asks for.
public struct NewRoom: Sendable {
  public var name: String?
  public var topic: String?
  public var kind: Room.Kind
  /// Names of users who become members, beside the creator.
  public var members: [String]
  /// The creator's own word for the room: the same again gives the same room.
  public var ref: String?

  public init(
    name: String? = nil, topic: String? = nil, kind: Room.Kind = .public, members: [String] = [], ref: String? = nil
  ) {
    self.name = name
    self.topic = topic
    self.kind = kind
    self.members = members
    self.ref = ref
  }
}

/// Which rooms a listing shows.
public struct RoomFilter: Sendable {
  /// Whose private rooms are shown, and whose membership and unread counts come along; `nil`: public rooms only.
  public var reader: UserID?
  /// Every room, whoever asks.
  public var isAdmin: Bool
  /// Only rooms that `reader` is a member of.
  public var membersOnly: Bool
  /// A part of the name, case-insensitively.
  public var text: String?
  /// Rooms with a higher id than this.
  public var after: RoomID
  public var limit: Int

  public init(
    reader: UserID?, isAdmin: Bool = false, membersOnly: Bool = false, text: String? = nil, after: RoomID = 0,
    limit: Int
  ) {
    self.reader = reader
    self.isAdmin = isAdmin
    self.membersOnly = membersOnly
    self.text = text
    self.after = after
    self.limit = limit
  }
}

/// A room with what a listing shows of it.
public struct RoomSummary: Sendable, Equatable {
  public var room: Room
  public var position: RoomPosition
  public var memberCount: Int
  public var membership: Membership?

  public init(room: Room, position: RoomPosition, memberCount: Int, membership: Membership?) {
    self.room = room
    self.position = position
    self.memberCount = memberCount
    self.membership = membership
  }

  /// Messages after the reader's mark; `nil` for a reader who is no member.
  public var unread: Int64? { membership.map { max(0, position.lastSeq - $0.readSeq) } }
}

/// A member of a room.
public struct Member: Sendable, Equatable {
  public var user: User
  public var membership: Membership

  public init(user: User, membership: Membership) {
    self.user = user
    self.membership = membership
  }
}

/// What of the history a user may read at this moment.
public struct ReadScope: Sendable, Equatable {
  /// Everything, as an admin.
  public var isUnlimited: Bool
  /// Private and direct rooms that the user is a member of, rising.
  public var rooms: [RoomID]
  /// Public rooms that were deleted: excluded although public.
  public var closedRooms: [RoomID]

  public init(isUnlimited: Bool, rooms: [RoomID], closedRooms: [RoomID]) {
    self.isUnlimited = isUnlimited
    self.rooms = rooms
    self.closedRooms = closedRooms
  }
}

/// Users, rooms and memberships: `SQLRoomStore` over MySQL or SQLite, and `CachedRoomStore` with Redis in front of it.
///
/// Knows nothing of who may do what; see `RoomAccess`. Removing a member and deleting a room are events of the room and
/// go through the journal, which changes the tables in the same transaction.
public protocol RoomStore: Sendable {
  /// - Throws: `ChatError` 409 `user_exists`; 400 for a name that is none.
  func createUser(name: String, displayName: String?) async throws -> User
  /// The user of that name, made if there was none. A deleted user's name is 403 `user_deleted`.
  func ensureUser(name: String) async throws -> User
  func user(named name: String) async throws -> User?
  func users(ids: [UserID]) async throws -> [User]
  /// Rising by id.
  func users(after: UserID, limit: Int) async throws -> [User]
  /// Users whose name begins so, in lower or upper case or with a capital, by name.
  func users(beginningWith beginning: String, limit: Int) async throws -> [User]
  func updateUser(_ user: User, displayName: String?) async throws -> User
  /// Marks the user deleted; the name stays taken. Memberships must have been ended before.
  ///
  /// - Parameter fate: of the messages. What is not `.keep` is written down in the same transaction, and carried out by
  ///   the servers.
  func deleteUser(_ user: User, messages fate: MessageFate) async throws
  /// For development: every user and membership vanishes, and names may be given again.
  ///
  /// - Returns: the highest id that was deleted; 0 if there was nobody.
  @discardableResult
  func deleteAllUsers() async throws -> UserID

  /// - Throws: `ChatError` 409 `name_taken`, 404 `user_not_found` for an unknown member.
  func createRoom(_ new: NewRoom, by creator: User?) async throws -> (room: Room, position: RoomPosition)
  /// `nil` if there is no such room, or it was deleted.
  func room(_ id: RoomID) async throws -> Room?
  /// Those of these rooms that there are.
  func rooms(_ ids: Set<RoomID>) async throws -> [Room]
  func room(named name: String) async throws -> Room?
  /// Every room of that name that a user may know of: the public one, and private ones with the user as a member.
  func rooms(named name: String, member: UserID?) async throws -> [Room]
  func summary(of id: RoomID, reader: UserID?) async throws -> RoomSummary?
  /// Rising by id.
  func rooms(_ filter: RoomFilter) async throws -> [RoomSummary]
  /// Ids of all rooms that the filter shows, whatever its `limit`.
  func roomIDs(_ filter: RoomFilter) async throws -> [RoomID]
  /// - Throws: `ChatError` 409 `name_taken`.
  func updateRoom(_ id: RoomID, name: String??, topic: String??) async throws -> Room

  func membership(room: RoomID, user: UserID) async throws -> Membership?
  /// As the database has it now, whatever is remembered; while it does not answer, as it is remembered.
  func newestMembership(room: RoomID, user: UserID) async throws -> Membership?
  /// By name.
  func members(of room: RoomID) async throws -> [Member]
  /// The rooms of a user, rising.
  func memberships(of user: UserID) async throws -> [Membership]
  /// Returns false if the user was a member already (the role is then updated).
  @discardableResult
  func addMember(_ user: User, to room: RoomID, role: Membership.Role) async throws -> Bool
  /// Moves the mark forward, never back.
  func markRead(room: RoomID, user: UserID, seq: Int64) async throws -> Membership?
  func readScope(of user: UserID?, isAdmin: Bool) async throws -> ReadScope
  /// What a caller could read at most a minute ago, unless something was heard since: to be checked. Never waits.
  func expectedScope(_ key: ScopeKey) -> ReadScope?
  /// Remembers what the database has said. - Parameter readAt: when it was asked.
  func remember(_ scope: ReadScope, of key: ScopeKey, readAt: ContinuousClock.Instant)
  /// The user calls this server. Never waits.
  func noteCall(of user: User)
  /// The user, who called, is still connected. Never waits.
  func noteConnection(of user: User)

  /// What a store holds in memory, as new as its other answers; `nil` where it has to look. Never waits.
  func roomInMemory(_ id: RoomID) -> Room?
  func userInMemory(named name: String) -> User?
  /// `.some(nil)`: there is no such membership.
  func membershipInMemory(room: RoomID, user: UserID) -> Membership??
}

extension RoomStore {
  /// For stores without a memory.
  public func newestMembership(room: RoomID, user: UserID) async throws -> Membership? {
    try await membership(room: room, user: user)
  }
  public func expectedScope(_ key: ScopeKey) -> ReadScope? { nil }
  public func remember(_ scope: ReadScope, of key: ScopeKey, readAt: ContinuousClock.Instant) {}
  public func noteCall(of user: User) {}
  public func noteConnection(of user: User) {}
  public func roomInMemory(_ id: RoomID) -> Room? { nil }
  public func userInMemory(named name: String) -> User? { nil }
  public func membershipInMemory(room: RoomID, user: UserID) -> Membership?? { nil }
}

extension RoomStore {
  /// For stores that are not asked for it.
  public func users(beginningWith beginning: String, limit: Int) async throws -> [User] { [] }

  /// Asked for together: each may be a way to Redis or the database.
  public func rooms(_ ids: Set<RoomID>) async throws -> [Room] {
    try await withThrowingTaskGroup(of: Room?.self) { group in
      for id in ids { group.addTask { try await room(id) } }
      return try await group.reduce(into: []) { if let room = $1 { $0.append(room) } }
    }
  }

  /// For stores without private rooms.
  public func rooms(named name: String, member: UserID?) async throws -> [Room] {
    [try await room(named: name)].compactMap { $0 }
  }
}
