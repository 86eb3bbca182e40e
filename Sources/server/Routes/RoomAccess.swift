import ChatRooms

/// Finds rooms for callers, and asks `RoomPermissions` what they may do there.
struct RoomAccess: Sendable {
  var rooms: any RoomStore

  /// What the caller, or whom an admin acts for, may do in a room.
  ///
  /// - Throws: 404 `room_not_found`, also for a room that may not be read.
  func permissions(in id: RoomID, for identity: Identity) async throws -> RoomPermissions {
    guard let room = try await rooms.room(id) else { throw ChatError.roomNotFound(id) }
    var membership: Membership?
    if let user = identity.user, !identity.caller.isAdmin {
      // Who was removed through another server must not read on until that is heard of here.
      membership =
        room.kind == .public
        ? try await rooms.membership(room: id, user: user.id)
        : try await rooms.newestMembership(room: id, user: user.id)
    }
    return try Self.permissions(in: room, for: identity, membership)
  }

  private static func permissions(
    in room: Room, for identity: Identity, _ membership: Membership?
  ) throws(ChatError) -> RoomPermissions {
    let caller = Caller(
      user: identity.user, isAdmin: identity.caller.isAdmin, expiresAt: identity.caller.expiresAt)
    let permissions = RoomPermissions(
      room: room, caller: caller, membership: membership, isOpenMode: identity.isOpenMode)
    try permissions.requireReading()
    return permissions
  }

  /// As `readable`, from what the store holds in memory; `nil` where that does not say.
  func readableFromMemory(_ id: RoomID, by identity: Identity) throws(ChatError) -> Room? {
    guard let room = rooms.roomInMemory(id) else { return nil }
    // Anybody may read a public room.
    guard room.kind != .public, let user = identity.user, !identity.caller.isAdmin else {
      return try Self.permissions(in: room, for: identity, nil).room
    }
    guard let membership = rooms.membershipInMemory(room: id, user: user.id) else { return nil }
    return try Self.permissions(in: room, for: identity, membership).room
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
