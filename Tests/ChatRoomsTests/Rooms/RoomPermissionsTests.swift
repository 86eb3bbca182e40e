import ChatRooms
import Testing

@Suite struct RoomPermissionsTests {
  private func room(_ kind: Room.Kind) -> Room {
    Room(id: 1, name: nil, topic: nil, kind: kind, lane: 0, routing: "1", createdAt: 0)
  }

  private func user(_ id: UserID) -> User { User(id: id, name: "user\(id)", displayName: nil, createdAt: 0) }

  private func permissions(
    _ kind: Room.Kind, _ role: Membership.Role? = nil, named: Bool = true, admin: Bool = false, open: Bool = false
  ) -> RoomPermissions {
    RoomPermissions(
      room: room(kind), caller: Caller(user: named ? user(1) : nil, isAdmin: admin),
      membership: role.map { Membership(room: 1, user: 1, role: $0, readSeq: 0) }, isOpenMode: open)
  }

  private func message(by author: UserID) -> Message {
    Message(room: 1, seq: 1, event: 1, revised: 1, user: "user\(author)", userID: author, text: "x", timestamp: 0)
  }

  @Test(arguments: [Room.Kind.private, .direct])
  func aRoomThatIsNotPublicDoesNotExistForStrangers(kind: Room.Kind) {
    let stranger = permissions(kind, open: true)
    let notFound = ChatError.roomNotFound(1)
    #expect(throws: notFound) { try stranger.requireReading() }
    #expect(throws: notFound) { try stranger.requireSending() }
    #expect(throws: notFound) { try stranger.requireManaging() }
    #expect(throws: notFound) { try stranger.requireChanging(message(by: 1)) }
    #expect(throws: notFound) { try stranger.requireAdding(user(1)) }
    #expect(throws: notFound) { try stranger.requireRemoving(user(1)) }
    #expect(throws: notFound) { try permissions(kind, named: false, open: true).requireManaging() }
  }

  @Test(arguments: [Room.Kind.public, .private, .direct])
  func membersReadAndSendAndAuthorsChangeTheirOwn(kind: Room.Kind) {
    let member = permissions(kind, .member)
    #expect(member.mayRead && member.maySend && member.mayJoin && !member.mayManage)
    #expect(member.mayChange(message(by: 1)) && !member.mayChange(message(by: 2)))
    #expect(member.mayRemove(user(1)) && !member.mayRemove(user(2)) && !member.mayAdd(user(2)))
    #expect(throws: ChatError.self) { try member.requireManaging() }
  }

  @Test(arguments: [Room.Kind.public, .private, .direct])
  func ownersAndAdminsManage(kind: Room.Kind) {
    for manager in [permissions(kind, .owner), permissions(kind, admin: true)] {
      #expect(manager.mayRead && manager.mayManage && manager.mayChange(message(by: 2)) && manager.mayRemove(user(2)))
    }
    #expect(permissions(kind, .owner).mayAdd(user(2)) == (kind != .direct))
    #expect(permissions(kind, admin: true).mayAdd(user(2)))
  }

  @Test func everybodyReadsPublicRoomsAndTheNamedSend() {
    #expect(permissions(.public).mayRead && permissions(.public).maySend && permissions(.public).mayAdd(user(1)))
    let nameless = permissions(.public, named: false)
    #expect(nameless.mayRead && !nameless.maySend && !nameless.mayManage)
    #expect(throws: ChatError.unauthorized) { try nameless.requireSending() }
  }

  @Test func inOpenModeWhoeverNamesNobodyManagesPublicRooms() {
    let nameless = permissions(.public, named: false, open: true)
    #expect(nameless.mayManage && nameless.mayChange(message(by: 2)) && !nameless.maySend)
    #expect(!permissions(.public, open: true).mayManage)
  }
}
