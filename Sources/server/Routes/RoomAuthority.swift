import ChatRooms

/// What sessions ask after their handshake, answered as the routes answer it.
struct RoomAuthority: SessionAuthority {
  var authenticator: Authenticator
  var rooms: any RoomStore

  func caller(token: String) async throws -> Caller { try await authenticator.caller(token: token) }

  func admit(_ user: User, caller: Caller, to room: RoomID) async throws -> Room {
    let identity = Identity(caller: caller, user: user, isOpenMode: authenticator.isOpen)
    let access = RoomAccess(rooms: rooms)
    let found = try await access.readable(room, by: identity)
    try await access.enter(found, as: user)
    return found
  }
}
