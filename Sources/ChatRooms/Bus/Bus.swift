/// What Palaver servers of one installation tell each other. All of it may be lost: events are in the journal, and
/// caches live for a minute at most.
public enum BusMessage: Sendable, Equatable {
  /// Committed events of one lane, dense and rising.
  case events([RoomEvent])
  /// A user came into a room or left it, on some server.
  case presence(room: RoomID, user: String, isPresent: Bool)
  case typing(room: RoomID, user: String)
  /// Something that caches hold of this room, or of its memberships, has changed.
  case roomChanged(RoomID)
  case userChanged(name: String)
  /// Everything changed: all caches are to be forgotten.
  case everythingChanged
  /// All users up to this id were deleted at once: their sockets are to end. Ids are never given again.
  case usersDeleted(upTo: UserID)
}

/// Broadcast between servers. `LocalBus` for a server alone, `RedisBus` for several.
public protocol Bus: Sendable {
  /// Never waits, never throws; what cannot be sent is dropped and counted.
  func publish(_ message: BusMessage)
  /// Messages of *other* servers, on a thread of the bus's; the handler must not wait. Call before `start()`.
  func onMessage(_ handler: @escaping @Sendable (BusMessage) -> Void)
}
