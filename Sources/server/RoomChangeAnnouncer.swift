import ChatRooms

/// Tells caches, here and on other servers, of what the journal's transactions changed in rooms and memberships: of what
/// this server wrote, and of what it had to read because the bus did not tell.
struct RoomChangeAnnouncer: Sendable {
  private let rooms: CachedRoomStore
  private let changed: AsyncStream<RoomID>
  private let sink: AsyncStream<RoomID>.Continuation

  init(rooms: CachedRoomStore) {
    self.rooms = rooms
    (changed, sink) = AsyncStream.makeStream()
  }

  /// From any thread; does not wait.
  func took(_ events: [RoomEvent]) {
    for event in events where event.kind == .removal || event.kind == .closure { sink.yield(event.room) }
  }

  /// Until cancelled.
  func run() async {
    for await room in changed { await rooms.roomChanged(room) }
  }
}
