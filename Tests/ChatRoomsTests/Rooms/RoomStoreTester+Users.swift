import Testing

@testable import ChatRooms

extension RoomStoreTester {
  func namesAreGivenOnce() async throws {
    let user = try await store.createUser(name: "John", displayName: "Johnny")
    #expect(user.displayName == "Johnny")
    #expect(try await store.user(named: "John") == user)
    #expect(await word { _ = try await store.createUser(name: "John", displayName: nil) } == "user_exists")
  }

  func namesAreComparedBytewiseInNFC() async throws {
    let camelia = try await user("camelia")
    let other = try await user("CAMELIA")
    #expect(camelia.id != other.id)
    #expect(try await store.user(named: "Camelia") == nil)
    let composed = try await user("Zoe\u{308}")
    #expect(Array(composed.name.utf8) == Array("Zo\u{EB}".utf8))
    #expect(try await store.user(named: "Zo\u{EB}") == composed)
    _ = try await user("a ")
    _ = try await user("a")
    _ = try await user("ä")
    _ = try await user("😀%_\\'\"")
    #expect(try await store.user(named: "😀%_\\'\"") != nil)
  }

  func aNameThatIsNoneIsRefused() async throws {
    for name in [
      "", String(repeating: "a", count: 65), "a\nb", "\u{7F}", "\u{0}", String(repeating: "x", count: 9_999),
    ] {
      #expect(await word { _ = try await user(name) } == "invalid_name")
      #expect(await word { _ = try await store.ensureUser(name: name) } == "invalid_name")
      #expect(try await store.user(named: name) == nil)
    }
    _ = try await user(String(repeating: "é", count: 64))
    #expect(await word { _ = try await store.createUser(name: "b", displayName: "\n") } == "invalid_display_name")
  }

  func aUserIsMadeOnFirstSight() async throws {
    let user = try await store.ensureUser(name: "John")
    #expect(try await store.ensureUser(name: "John") == user)
  }

  func manyFirstSightsMakeOneUser() async throws {
    let store = store
    let ids = try await withThrowingTaskGroup(of: UserID.self) { group in
      for _ in 0..<20 { group.addTask { try await store.ensureUser(name: "John").id } }
      return try await group.reduce(into: Set<UserID>()) { $0.insert($1) }
    }
    #expect(ids.count == 1)
  }

  func aDeletedUsersNameStaysTaken() async throws {
    let john = try await user("John")
    let room = try await room(nil, .private, by: john)
    try await store.deleteUser(john, messages: .keep)
    #expect(try await store.user(named: "John") == nil)
    #expect(try await store.users(ids: [john.id]).isEmpty)
    #expect(try await store.membership(room: room.id, user: john.id) == nil)
    #expect(await word { _ = try await user("John") } == "user_exists")
    #expect(await word { _ = try await store.ensureUser(name: "John") } == "user_deleted")
    #expect(await word { _ = try await store.addMember(john, to: room.id, role: .member) } == "user_not_found")
    #expect(await word { _ = try await store.updateUser(john, displayName: "x") } == "user_not_found")
  }

  func deletingAllUsersFreesNamesButNoIDs() async throws {
    let john = try await user("John")
    let room = try await room(nil, .private, by: john)
    #expect(try await store.deleteAllUsers() == john.id)
    #expect(try await store.deleteAllUsers() == 0, "there is nobody left")
    #expect(try await store.user(named: "John") == nil)
    #expect(try await store.members(of: room.id).isEmpty)
    #expect(try await user("John").id > john.id)
  }

  func usersAreListedAndFoundByID() async throws {
    var users: [User] = []
    for number in 0..<150 { users.append(try await user("user \(number)")) }
    #expect(try await store.users(after: 0, limit: 2) == Array(users.prefix(2)))
    #expect(try await store.users(after: users[1].id, limit: 1_000) == Array(users.dropFirst(2)))
    #expect(try await store.users(ids: users.map(\.id).reversed() + [users[0].id, -1, .max]) == users)
    #expect(try await store.users(ids: []).isEmpty)
    #expect(try await store.users(after: 0, limit: -1).isEmpty)
  }

  func aDisplayNameChanges() async throws {
    let john = try await user("John")
    #expect(try await store.updateUser(john, displayName: "J").displayName == "J")
    #expect(try await store.updateUser(john, displayName: "J").displayName == "J")
    #expect(try await store.updateUser(john, displayName: nil).displayName == nil)
  }
}
