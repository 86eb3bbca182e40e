import Drivers
import Foundation
import RedisTesting

@testable import ChatRooms

/// The tables of an installation in memory, which counts what is read of them and can hold a reader back after it has
/// read.
final class FakeRoomStore: RoomStore, @unchecked Sendable {
  private let lock = NSLock()
  private var rooms: [RoomID: Room] = [:]
  private var usersByName: [String: User] = [:]
  private var members: [RoomID: [UserID: Membership]] = [:]
  private var gate: Gate?
  private var isGone = false
  let reads = Collected<String>()

  /// The next read passes here before it returns what it has read.
  func holdNextRead() -> Gate {
    let gate = Gate()
    lock.withLock { self.gate = gate }
    return gate
  }

  func put(_ room: Room) { lock.withLock { rooms[room.id] = room } }
  func put(_ user: User) { lock.withLock { usersByName[user.name] = user } }
  func removeMember(_ user: UserID, of room: RoomID) { lock.withLock { members[room]?[user] = nil } }

  /// From now on every read fails.
  func goAway() { lock.withLock { isGone = true } }

  private func read<Value>(_ what: String, _ body: () -> Value) async throws -> Value {
    reads.append(what)
    if lock.withLock({ isGone }) { throw SQLError(kind: .unavailable, code: 0, message: "gone") }
    let (value, gate) = lock.withLock {
      defer { self.gate = nil }
      return (body(), self.gate)
    }
    await gate?.pass()
    return value
  }

  func room(_ id: RoomID) async throws -> Room? { try await read("room \(id)") { rooms[id] } }
  func user(named name: String) async throws -> User? { try await read("user \(name)") { usersByName[name] } }

  func membership(room: RoomID, user: UserID) async throws -> Membership? {
    try await read("member \(room) \(user)") { members[room]?[user] }
  }

  func updateRoom(_ id: RoomID, name: String??, topic: String??) async throws -> Room {
    try lock.withLock {
      guard var room = rooms[id] else { throw ChatError.roomNotFound(id) }
      if let topic { room.topic = topic }
      rooms[id] = room
      return room
    }
  }

  func addMember(_ user: User, to room: RoomID, role: Membership.Role) async throws -> Bool {
    lock.withLock {
      let isNew = members[room]?[user.id] == nil
      members[room, default: [:]][user.id] = Membership(room: room, user: user.id, role: role, readSeq: 0)
      return isNew
    }
  }

  func markRead(room: RoomID, user: UserID, seq: Int64) async throws -> Membership? {
    lock.withLock {
      members[room]?[user]?.readSeq = seq
      return members[room]?[user]
    }
  }

  func updateUser(_ user: User, displayName: String?) async throws -> User {
    lock.withLock {
      usersByName[user.name]?.displayName = displayName
      return usersByName[user.name] ?? user
    }
  }

  func deleteUser(_ user: User, messages fate: MessageFate) async throws {
    lock.withLock { usersByName[user.name] = nil }
  }
  func deleteAllUsers() async throws -> UserID {
    lock.withLock {
      defer { usersByName = [:] }
      return usersByName.values.map(\.id).max() ?? 0
    }
  }

  func readScope(of user: UserID?, isAdmin: Bool) async throws -> ReadScope {
    try await read("scope") { ReadScope(isUnlimited: isAdmin, rooms: [], closedRooms: []) }
  }

  // What the cache does not touch.
  private let unused = ChatError(500, "unused", "Not part of this fake.")
  func createUser(name: String, displayName: String?) async throws -> User { throw unused }
  func ensureUser(name: String) async throws -> User { throw unused }
  func users(ids: [UserID]) async throws -> [User] { throw unused }
  func users(after: UserID, limit: Int) async throws -> [User] { throw unused }
  func createRoom(_ new: NewRoom, by creator: User?) async throws -> (room: Room, position: RoomPosition) {
    throw unused
  }
  func room(named name: String) async throws -> Room? { throw unused }
  func summary(of id: RoomID, reader: UserID?) async throws -> RoomSummary? { throw unused }
  func rooms(_ filter: RoomFilter) async throws -> [RoomSummary] { throw unused }
  func roomIDs(_ filter: RoomFilter) async throws -> [RoomID] { throw unused }
  func members(of room: RoomID) async throws -> [Member] { throw unused }
  func memberships(of user: UserID) async throws -> [Membership] { throw unused }
}
