/// Always from the database.
extension CachedRoomStore {
  public func users(ids: [UserID]) async throws -> [User] { try await store.users(ids: ids) }

  public func users(after: UserID, limit: Int) async throws -> [User] {
    try await store.users(after: after, limit: limit)
  }

  public func users(beginningWith beginning: String, limit: Int) async throws -> [User] {
    try await store.users(beginningWith: beginning, limit: limit)
  }

  public func room(named name: String) async throws -> Room? { try await store.room(named: name) }

  public func rooms(named name: String, member: UserID?) async throws -> [Room] {
    try await store.rooms(named: name, member: member)
  }

  public func summary(of id: RoomID, reader: UserID?) async throws -> RoomSummary? {
    try await store.summary(of: id, reader: reader)
  }

  public func rooms(_ filter: RoomFilter) async throws -> [RoomSummary] { try await store.rooms(filter) }
  public func roomIDs(_ filter: RoomFilter) async throws -> [RoomID] { try await store.roomIDs(filter) }
  public func members(of room: RoomID) async throws -> [Member] { try await store.members(of: room) }
  public func memberships(of user: UserID) async throws -> [Membership] { try await store.memberships(of: user) }
}
