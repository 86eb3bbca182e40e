import ChatRooms
import Foundation

/// Rooms and users in memory, for tests of the routes.
final class MemoryRoomStore: RoomStore, @unchecked Sendable {
  private let lock = NSLock()
  private var users: [UserID: User] = [:]
  private var deletedNames: Set<String> = []
  private var rooms: [RoomID: Room] = [:]
  private var memberships: [RoomID: [UserID: Membership]] = [:]
  private var nextUser: UserID = 1
  private var nextRoom: RoomID = 1

  func createUser(name: String, displayName: String?) async throws -> User {
    try lock.withLock {
      guard (1...64).contains(name.count) else { throw ChatError.invalid("name", "1 to 64 characters") }
      guard !users.values.contains(where: { $0.name == name }), !deletedNames.contains(name) else {
        throw ChatError(409, "user_exists", "\(name) exists", parameter: "name")
      }
      let user = User(id: nextUser, name: name, displayName: displayName, createdAt: 1)
      nextUser += 1
      users[user.id] = user
      return user
    }
  }

  func ensureUser(name: String) async throws -> User {
    if let user = try await user(named: name) { return user }
    return try await createUser(name: name, displayName: nil)
  }

  func user(named name: String) async throws -> User? { lock.withLock { users.values.first { $0.name == name } } }
  func users(ids: [UserID]) async throws -> [User] { lock.withLock { ids.compactMap { users[$0] } } }

  func users(after: UserID, limit: Int) async throws -> [User] {
    lock.withLock { Array(users.values.filter { $0.id > after }.sorted { $0.id < $1.id }.prefix(limit)) }
  }

  func updateUser(_ user: User, displayName: String?) async throws -> User {
    lock.withLock {
      var changed = user
      changed.displayName = displayName
      users[user.id] = changed
      return changed
    }
  }

  func deleteUser(_ user: User, messages fate: MessageFate) async throws {
    lock.withLock {
      users[user.id] = nil
      deletedNames.insert(user.name)
    }
  }

  func deleteAllUsers() async throws -> UserID {
    lock.withLock {
      defer { users = [:] }
      memberships = [:]
      return users.keys.max() ?? 0
    }
  }

  func createRoom(_ new: NewRoom, by creator: User?) async throws -> (room: Room, position: RoomPosition) {
    var owners: [User] = []
    for name in new.members {
      guard let user = try await user(named: name) else { throw ChatError.userNotFound(name) }
      owners.append(user)
    }
    return try lock.withLock {
      if let name = new.name, rooms.values.contains(where: { $0.name == name && $0.kind == .public }) {
        throw ChatError(409, "name_taken", "taken", parameter: "name")
      }
      let room = Room(
        id: nextRoom, name: new.name, topic: new.topic, kind: new.kind, lane: 0, routing: "\(nextRoom)", createdAt: 1)
      nextRoom += 1
      rooms[room.id] = room
      for user in owners { addLocked(user, room.id, .member) }
      if let creator { addLocked(creator, room.id, .owner) }
      return (room, RoomPosition(epoch: "k0", lastEvent: 0, lastSeq: 0))
    }
  }

  private func addLocked(_ user: User, _ room: RoomID, _ role: Membership.Role) {
    memberships[room, default: [:]][user.id] = Membership(room: room, user: user.id, role: role, readSeq: 0)
  }

  func room(_ id: RoomID) async throws -> Room? { lock.withLock { rooms[id] } }
  func room(named name: String) async throws -> Room? { lock.withLock { rooms.values.first { $0.name == name } } }

  func summary(of id: RoomID, reader: UserID?) async throws -> RoomSummary? {
    lock.withLock { rooms[id].map { summaryLocked($0, reader) } }
  }

  private func summaryLocked(_ room: Room, _ reader: UserID?) -> RoomSummary {
    RoomSummary(
      room: room, position: RoomPosition(epoch: "k0", lastEvent: 3, lastSeq: 3, lastMessageAt: 9),
      memberCount: memberships[room.id]?.count ?? 0, membership: reader.flatMap { memberships[room.id]?[$0] })
  }

  private func visible(_ filter: RoomFilter) -> [Room] {
    rooms.values.sorted { $0.id < $1.id }.filter { room in
      let isMember = filter.reader.map { memberships[room.id]?[$0] != nil } ?? false
      let isShown = filter.membersOnly ? isMember : filter.isAdmin || room.kind == .public || isMember
      return isShown && (filter.text.map { room.name?.localizedCaseInsensitiveContains($0) ?? false } ?? true)
    }
  }

  func rooms(_ filter: RoomFilter) async throws -> [RoomSummary] {
    lock.withLock {
      visible(filter).filter { $0.id > filter.after }.prefix(filter.limit).map { summaryLocked($0, filter.reader) }
    }
  }

  func roomIDs(_ filter: RoomFilter) async throws -> [RoomID] { lock.withLock { visible(filter).map(\.id) } }

  func updateRoom(_ id: RoomID, name: String??, topic: String??) async throws -> Room {
    try lock.withLock {
      guard var room = rooms[id] else { throw ChatError.roomNotFound(id) }
      if let name { room.name = name }
      if let topic { room.topic = topic }
      rooms[id] = room
      return room
    }
  }

  func membership(room: RoomID, user: UserID) async throws -> Membership? {
    lock.withLock { memberships[room]?[user] }
  }

  func members(of room: RoomID) async throws -> [Member] {
    lock.withLock {
      (memberships[room] ?? [:]).compactMap { id, membership in
        users[id].map { Member(user: $0, membership: membership) }
      }.sorted { $0.user.name < $1.user.name }
    }
  }

  func memberships(of user: UserID) async throws -> [Membership] {
    lock.withLock { memberships.values.compactMap { $0[user] } }
  }

  func addMember(_ user: User, to room: RoomID, role: Membership.Role) async throws -> Bool {
    lock.withLock {
      let isNew = memberships[room]?[user.id] == nil
      addLocked(user, room, role)
      return isNew
    }
  }

  func markRead(room: RoomID, user: UserID, seq: Int64) async throws -> Membership? {
    lock.withLock {
      guard var membership = memberships[room]?[user] else { return nil }
      membership.readSeq = max(membership.readSeq, seq)
      memberships[room]?[user] = membership
      return membership
    }
  }

  func readScope(of user: UserID?, isAdmin: Bool) async throws -> ReadScope {
    lock.withLock {
      let own = memberships.filter { entry in user.map { entry.value[$0] != nil } ?? false }.keys
      return ReadScope(
        isUnlimited: isAdmin, rooms: own.filter { rooms[$0]?.kind != .public }.sorted(), closedRooms: [])
    }
  }
}
