import ChatRooms

/// Finds rooms for callers, and asks `RoomPermissions` what they may do there.
struct RoomAccess: Sendable {
  var rooms: any RoomStore

  /// What the caller, or whom an admin acts for, may do in a room.
  ///
  /// - Throws: 404 `room_not_found`, also for a room that may not be read.
  func permissions(in id: RoomID, for identity: Identity) async throws -> RoomPermissions {
    guard let room = try await rooms.room(id) else { throw ChatError.roomNotFound(id) }
    let caller = Caller(
      user: identity.user, isAdmin: identity.caller.isAdmin, expiresAt: identity.caller.expiresAt)
    var membership: Membership?
    // Anybody may read a public room, and most calls do no more.
    if let user = identity.user, !caller.isAdmin { membership = try await rooms.membership(room: id, user: user.id) }
    let permissions = RoomPermissions(
      room: room, caller: caller, membership: membership, isOpenMode: identity.isOpenMode)
    try permissions.requireReading()
    return permissions
  }

  func readable(_ id: RoomID, by identity: Identity) async throws -> Room {
    try await permissions(in: id, for: identity).room
  }

  /// - Throws: 403 `forbidden` for who is no owner.
  func manageable(_ id: RoomID, by identity: Identity) async throws -> Room {
    let permissions = try await permissions(in: id, for: identity)
    try permissions.requireManaging()
    return permissions.room
  }

  /// Sees to it that the user is a member: of a public room one becomes a member by coming in.
  func enter(_ room: Room, as user: User) async throws {
    guard room.kind == .public else { return }
    if try await rooms.membership(room: room.id, user: user.id) == nil {
      try await rooms.addMember(user, to: room.id, role: .member)
    }
  }
}
