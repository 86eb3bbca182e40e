import Drivers
import Testing

@testable import ChatRooms

extension RoomStoreTester {
  func aRoomKnowsItsCreatorAndMembers() async throws {
    let (john, jane) = (try await user("John"), try await user("Jane"))
    let new = NewRoom(name: "tea", topic: "of all kinds", kind: .private, members: ["Jane", "John", "Jane"])
    let (room, position) = try await store.createRoom(new, by: john)
    #expect(room.routing == String(room.id))
    #expect((0..<16).contains(room.lane))
    #expect(position.epoch.count >= 6 && position.lastEvent == 0 && position.lastSeq == 0)
    #expect(try await store.room(room.id) == room)
    #expect(try await store.members(of: room.id).map(\.user) == [jane, john])
    #expect(try await store.members(of: room.id).map(\.membership.role) == [.member, .owner])
    let summary = try await store.summary(of: room.id, reader: john.id)
    #expect(summary?.memberCount == 2 && summary?.membership?.role == .owner && summary?.unread == 0)
    #expect(summary?.position == position)
    #expect(try await store.summary(of: room.id, reader: nil)?.membership == nil)
    #expect(try await store.room(room.id + 1) == nil)
  }

  func anUnknownMemberMakesNoRoom() async throws {
    #expect(
      await word { _ = try await store.createRoom(NewRoom(members: ["nobody"]), by: nil) } == "user_not_found")
    #expect(try await store.rooms(RoomFilter(reader: nil, isAdmin: true, limit: 10)).isEmpty)
    #expect(try await database.query("SELECT * FROM room_positions").isEmpty)
  }

  func publicNamesAreUnique() async throws {
    let tea = try await room("tea")
    #expect(await word { _ = try await room("tea") } == "name_taken")
    _ = try await room("Tea")
    _ = try await room("tea", .private)
    _ = try await room("tea", .private)
    _ = try await room(nil)
    _ = try await room(nil)
    #expect(try await store.room(named: "tea") == tea)
    #expect(try await store.room(named: "coffee") == nil)
    #expect(await word { _ = try await room("") } == "invalid_name")
    #expect(await word { _ = try await room("a\u{1}") } == "invalid_name")
  }

  func aDeletedRoomGivesItsNameUp() async throws {
    let old = try await room("tea")
    try await markDeleted(old)
    #expect(try await store.room(old.id) == nil)
    #expect(try await store.room(named: "tea") == nil)
    #expect(try await store.summary(of: old.id, reader: nil) == nil)
    let new = try await room("tea")
    #expect(new.id > old.id)
    #expect(try await store.room(named: "tea") == new)
    #expect(
      await word { _ = try await store.addMember(try await user("J"), to: old.id, role: .member) } == "room_not_found")
  }

  func theSameRefGivesTheSameRoom() async throws {
    let john = try await user("John")
    let new = NewRoom(name: "tea", ref: "c1")
    let first = try await store.createRoom(new, by: john).room
    #expect(try await store.createRoom(new, by: john).room == first)
    #expect(try await store.createRoom(NewRoom(ref: "C1"), by: john).room != first)
    #expect(try await store.createRoom(NewRoom(ref: "c1 "), by: john).room != first)
    #expect(try await store.createRoom(NewRoom(ref: "c1"), by: nil).room != first)
    #expect(await word { _ = try await store.createRoom(NewRoom(ref: "é"), by: john) } == "invalid_ref")
    try await markDeleted(first)
    #expect(await word { _ = try await store.createRoom(new, by: john) } == "ref_conflict")
  }

  func manyCallsWithOneRefMakeOneRoom() async throws {
    let store = store
    let ids = try await withThrowingTaskGroup(of: RoomID.self) { group in
      for _ in 0..<20 { group.addTask { try await store.createRoom(NewRoom(name: "x", ref: "r"), by: nil).room.id } }
      return try await group.reduce(into: Set<RoomID>()) { $0.insert($1) }
    }
    #expect(ids.count == 1)
  }

  func aDirectRoomHasTwoMembers() async throws {
    let john = try await user("John")
    for name in ["Jane", "Jim"] { _ = try await user(name) }
    for members in [[], ["John"], ["Jane", "Jim"]] {
      let new = NewRoom(kind: .direct, members: members)
      #expect(await word { _ = try await store.createRoom(new, by: john) } == "invalid_members")
    }
    let direct = try await store.createRoom(NewRoom(kind: .direct, members: ["Jane"]), by: john).room
    #expect(try await store.rooms(RoomFilter(reader: nil, limit: 10)).isEmpty)
    #expect(try await store.rooms(RoomFilter(reader: john.id, limit: 10)).map(\.room) == [direct])
  }

  func twoUsersHaveOneDirectRoom() async throws {
    let (john, jane) = (try await user("John"), try await user("Jane"))
    _ = try await user("Jim")
    let (store, both) = (store, [john, jane])
    func direct() async throws -> Room {
      try await store.createRoom(NewRoom(kind: .direct, members: ["Jane", "John"]), by: nil).room
    }
    let ids = try await withThrowingTaskGroup(of: RoomID.self) { group in
      for index in 0..<20 {
        let (one, other) = (both[index % 2], both[(index + 1) % 2])
        group.addTask {
          try await store.createRoom(NewRoom(kind: .direct, members: [other.name]), by: one).room.id
        }
      }
      return try await group.reduce(into: Set<RoomID>()) { $0.insert($1) }
    }
    #expect(ids.count == 1)
    let room = try await direct()
    #expect(ids == [room.id])
    #expect(try await store.createRoom(NewRoom(kind: .direct, members: ["Jim"]), by: john).room.id != room.id)

    #expect(try await store.updateRoom(room.id, name: "us", topic: nil).name == "us")
    #expect(try await direct().name == "us")
    #expect(try await store.room(named: "us") == nil)
    try await database.execute(
      "DELETE FROM members WHERE room_id = ? AND user_id = ?", [.integer(room.id), .integer(jane.id)])
    let next = try await direct()
    #expect(next.id != room.id, "Jane has left the first one")
    #expect(try await direct() == next)
    try await markDeleted(next)
    #expect(try await direct().id > next.id)
  }

  func aRoomIsRenamed() async throws {
    let (tea, coffee) = (try await room("tea"), try await room("coffee"))
    #expect(await word { _ = try await store.updateRoom(coffee.id, name: "tea", topic: nil) } == "name_taken")
    #expect(try await store.updateRoom(tea.id, name: nil, topic: "hot").topic == "hot")
    #expect(try await store.updateRoom(tea.id, name: "chai", topic: nil).topic == "hot")
    #expect(try await store.updateRoom(tea.id, name: "chai", topic: .some(nil)).topic == nil)
    #expect(try await store.updateRoom(coffee.id, name: "tea", topic: nil).name == "tea")
    #expect(try await store.updateRoom(coffee.id, name: .some(nil), topic: nil).name == nil)
    #expect(try await store.room(named: "tea") == nil)
    #expect(await word { _ = try await store.updateRoom(99, name: "x", topic: nil) } == "room_not_found")
    #expect(await word { _ = try await store.updateRoom(tea.id, name: "\n", topic: nil) } == "invalid_name")
  }
}
