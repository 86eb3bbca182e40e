import Drivers
import Testing

@testable import ChatRooms

extension RoomStoreTester {
  func listingsShowWhatTheReaderMaySee() async throws {
    let (john, jane) = (try await user("John"), try await user("Jane"))
    let open = try await room("open")
    let secret = try await room("secret", .private, by: john)
    let gone = try await room("gone")
    try await markDeleted(gone)
    func shown(_ filter: RoomFilter) async throws -> [RoomID] {
      let summaries = try await store.rooms(filter).map(\.room.id)
      #expect(try await store.roomIDs(filter) == summaries)
      return summaries
    }
    #expect(try await shown(RoomFilter(reader: nil, limit: 10)) == [open.id])
    #expect(try await shown(RoomFilter(reader: jane.id, limit: 10)) == [open.id])
    #expect(try await shown(RoomFilter(reader: john.id, limit: 10)) == [open.id, secret.id])
    #expect(try await shown(RoomFilter(reader: john.id, membersOnly: true, limit: 10)) == [secret.id])
    #expect(try await shown(RoomFilter(reader: nil, isAdmin: true, limit: 10)) == [open.id, secret.id])
    #expect(try await shown(RoomFilter(reader: nil, membersOnly: true, limit: 10)) == [])
  }

  func listingsArePaged() async throws {
    var ids: [RoomID] = []
    for number in 0..<25 { ids.append(try await room(number % 2 == 0 ? "even \(number)" : nil).id) }
    var found: [RoomID] = []
    while true {
      let page = try await store.rooms(RoomFilter(reader: nil, after: found.last ?? 0, limit: 4)).map(\.room.id)
      found += page
      if page.count < 4 { break }
    }
    #expect(found == ids)
    #expect(try await store.roomIDs(RoomFilter(reader: nil, limit: 4)) == ids)
    let even = try await store.rooms(RoomFilter(reader: nil, text: "EVEN", after: ids[2], limit: 3)).map(\.room.id)
    #expect(even == [ids[4], ids[6], ids[8]])
    #expect(try await store.rooms(RoomFilter(reader: nil, limit: 0)).isEmpty)
  }

  func listingsFindNamesInAnyScript() async throws {
    for name in ["Ünterwegs", "Чай и кофе", "100% tea_time", "東京", "back\\slash"] { _ = try await room(name) }
    func found(_ text: String) async throws -> [String] {
      try await store.rooms(RoomFilter(reader: nil, text: text, limit: 10)).compactMap(\.room.name)
    }
    #expect(try await found("üNTER") == ["Ünterwegs"])
    #expect(try await found("ЧАЙ") == ["Чай и кофе"])
    #expect(try await found("0%") == ["100% tea_time"])
    #expect(try await found("%") == ["100% tea_time"])
    #expect(try await found("_") == ["100% tea_time"])
    #expect(try await found("\\") == ["back\\slash"])
    #expect(try await found("京") == ["東京"])
    #expect(try await found("").count == 5)
    #expect(try await found("nothing").isEmpty)
  }

  func membersComeOnce() async throws {
    let john = try await user("John")
    let room = try await room("tea")
    #expect(try await store.addMember(john, to: room.id, role: .member))
    #expect(try await !store.addMember(john, to: room.id, role: .owner))
    #expect(try await !store.addMember(john, to: room.id, role: .owner))
    #expect(try await store.membership(room: room.id, user: john.id)?.role == .owner)
    #expect(try await store.memberships(of: john.id).map(\.room) == [room.id])
    #expect(await word { _ = try await store.addMember(john, to: 99, role: .member) } == "room_not_found")
    try await markDeleted(room)
    #expect(try await store.memberships(of: john.id).isEmpty)
  }

  func aCrowdEntersTogether() async throws {
    let room = try await room("tea")
    var users: [User] = []
    for number in 0..<300 { users.append(try await user("user \(number)")) }
    let unknown = User(id: 1 << 40, name: "nobody", displayName: nil, createdAt: 0)
    // Each of them twice, and somebody who is nobody.
    let (store, people) = (store, users + users + [unknown])
    let outcomes = await withTaskGroup(of: (UserID, Bool?).self) { group in
      for user in people {
        group.addTask { (user.id, try? await store.addMember(user, to: room.id, role: .member)) }
      }
      return await group.reduce(into: [UserID: [Bool?]]()) { $0[$1.0, default: []].append($1.1) }
    }
    for user in users {
      let own = outcomes[user.id] ?? []
      #expect(own.filter { $0 == true }.count == 1 && own.filter { $0 == false }.count == 1, "\(user.name): \(own)")
    }
    #expect(outcomes[unknown.id] == [nil])
    let found = await withTaskGroup(of: UserID?.self) { group in
      for user in people {
        group.addTask { (try? await store.membership(room: room.id, user: user.id))??.user }
      }
      return await group.reduce(into: [UserID]()) { if let user = $1 { $0.append(user) } }
    }
    #expect(found.sorted() == (users + users).map(\.id).sorted())
    let names = await withTaskGroup(of: String?.self) { group in
      for user in people { group.addTask { (try? await store.user(named: user.name))??.name } }
      return await group.reduce(into: Set<String>()) { if let name = $1 { $0.insert(name) } }
    }
    #expect(names == Set(users.map(\.name)))
  }

  func theReadMarkMovesForward() async throws {
    let john = try await user("John")
    let room = try await room("tea", by: john)
    try await database.execute("UPDATE room_positions SET last_event = 12, last_seq = 10, last_message_at = 5")
    #expect(try await store.markRead(room: room.id, user: john.id, seq: 4)?.readSeq == 4)
    #expect(try await store.summary(of: room.id, reader: john.id)?.unread == 6)
    #expect(try await store.markRead(room: room.id, user: john.id, seq: 3)?.readSeq == 4)
    #expect(try await store.markRead(room: room.id, user: john.id, seq: .max)?.readSeq == 10)
    #expect(try await store.markRead(room: room.id, user: john.id, seq: .min)?.readSeq == 10)
    #expect(try await store.summary(of: room.id, reader: john.id)?.unread == 0)
    #expect(try await store.summary(of: room.id, reader: john.id)?.position.lastMessageAt == 5)
    #expect(try await store.markRead(room: room.id, user: 99, seq: 4) == nil)
  }

  func aScopeHoldsWhatMayBeRead() async throws {
    let john = try await user("John")
    _ = try await room("open", by: john)
    let gone = try await room("gone", by: john)
    let secret = try await room("secret", .private, by: john)
    let lost = try await room("lost", .private, by: john)
    for room in [gone, lost] { try await markDeleted(room) }
    #expect(
      try await store.readScope(of: john.id, isAdmin: false)
        == ReadScope(isUnlimited: false, rooms: [secret.id], closedRooms: [gone.id]))
    #expect(
      try await store.readScope(of: nil, isAdmin: false)
        == ReadScope(isUnlimited: false, rooms: [], closedRooms: [gone.id]))
    #expect(
      try await store.readScope(of: nil, isAdmin: true)
        == ReadScope(isUnlimited: true, rooms: [], closedRooms: [gone.id, lost.id]))
  }
}
