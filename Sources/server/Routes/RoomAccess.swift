import ChatRooms

/// Who may see and change what of rooms.
struct RoomAccess: Sendable {
  var rooms: any RoomStore

  /// The room, if the caller may read it. One that may not be read answers as one that does not exist.
  func readable(_ id: RoomID, by identity: Identity) async throws -> Room {
    guard let room = try await rooms.room(id) else { throw ChatError.roomNotFound(id) }
    if room.kind == .public || identity.caller.isAdmin { return room }
    guard let user = identity.user, try await rooms.membership(room: id, user: user.id) != nil else {
      throw ChatError.roomNotFound(id)
    }
    return room
  }

  /// The room, if the caller may change it: its owners, admins, and in open mode anyone who names nobody.
  func manageable(_ id: RoomID, by identity: Identity) async throws -> Room {
    let room = try await readable(id, by: identity)
    if try await isManager(of: room, identity) { return room }
    throw ChatError.forbidden("Only an owner of room \(id) or an admin may do this.")
  }

  func isManager(of room: Room, _ identity: Identity) async throws -> Bool {
    if identity.caller.isAdmin { return true }
    guard let user = identity.user else { return identity.isOpenMode && room.kind == .public }
    return try await rooms.membership(room: room.id, user: user.id)?.role == .owner
  }

  /// Sees to it that the user is a member: of a public room one becomes a member by coming in.
  func enter(_ room: Room, as user: User) async throws {
    guard room.kind == .public else { return }
    if try await rooms.membership(room: room.id, user: user.id) == nil {
      try await rooms.addMember(user, to: room.id, role: .member)
    }
  }
}
