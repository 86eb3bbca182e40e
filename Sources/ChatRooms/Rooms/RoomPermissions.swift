/// What a caller may do in a room. Pure rules: the facts come from a `RoomStore`, which knows none of them.
///
/// | | public | private, direct |
/// |---|---|---|
/// | read | everybody | members, admins |
/// | join, send | everybody who has a name | members, and admins with a name |
/// | edit, delete a message | its author, owners, admins | the same, if they may read |
/// | change the room, remove others | owners, admins | owners, admins |
/// | add others | owners, admins | private: owners, admins; direct: admins |
///
/// In open mode whoever names nobody may do with public rooms what owners may. A room that may not be read answers as
/// one that does not exist.
public struct RoomPermissions: Sendable {
  public var room: Room
  public var caller: Caller
  /// The caller's; `nil` for none.
  public var membership: Membership?
  public var isOpenMode: Bool

  public init(room: Room, caller: Caller, membership: Membership?, isOpenMode: Bool = false) {
    self.room = room
    self.caller = caller
    self.membership = membership
    self.isOpenMode = isOpenMode
  }

  public var mayRead: Bool { room.kind == .public || membership != nil || caller.isAdmin }
  public var maySend: Bool { mayRead && caller.user != nil }
  public var mayJoin: Bool { maySend }

  public var mayManage: Bool {
    caller.isAdmin || membership?.role == .owner || isOpenMode && caller.user == nil && room.kind == .public
  }

  /// Editing and deleting.
  public func mayChange(_ message: Message) -> Bool {
    mayRead && (mayManage || caller.user.map { $0.id == message.userID } ?? false)
  }

  public func mayAdd(_ user: User) -> Bool {
    switch room.kind {
    case .public: mayManage || caller.user?.id == user.id
    case .private: mayManage
    case .direct: caller.isAdmin
    }
  }

  /// Anybody may leave.
  public func mayRemove(_ user: User) -> Bool { mayManage || mayRead && caller.user?.id == user.id }

  // MARK: The same, as errors

  /// - Throws: 404 `room_not_found`, as for a room that does not exist.
  public func requireReading() throws(ChatError) {
    guard mayRead else { throw .roomNotFound(room.id) }
  }

  /// - Throws: 404 `room_not_found`; 401 `unauthorized` for a caller without a name.
  public func requireSending() throws(ChatError) {
    try requireReading()
    guard maySend else { throw .unauthorized }
  }

  /// - Throws: 404 `room_not_found`; 403 `forbidden`.
  public func requireManaging() throws(ChatError) {
    try requireReading()
    guard mayManage else { throw .forbidden("Only an owner of room \(room.id) or an admin may do this.") }
  }

  /// - Throws: 404 `room_not_found`; 403 `forbidden`.
  public func requireChanging(_ message: Message) throws(ChatError) {
    try requireReading()
    guard mayChange(message) else {
      throw .forbidden("Only its author, an owner of the room or an admin may change a message.")
    }
  }

  /// - Throws: 404 `room_not_found`; 403 `forbidden`.
  public func requireAdding(_ user: User) throws(ChatError) {
    try requireReading()
    guard mayAdd(user) else { throw .forbidden("Only an owner of room \(room.id) or an admin may add members.") }
  }

  /// - Throws: 404 `room_not_found`; 403 `forbidden`.
  public func requireRemoving(_ user: User) throws(ChatError) {
    try requireReading()
    guard mayRemove(user) else { throw .forbidden("Only an owner of room \(room.id) or an admin may remove members.") }
  }
}
