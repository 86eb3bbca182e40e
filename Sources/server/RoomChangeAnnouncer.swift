import ChatRooms

/// Tells caches, here and on other servers, of what the journal's transactions changed in rooms and memberships: of what
/// this server wrote, and of what it had to read because the bus did not tell.
struct RoomChangeAnnouncer: Sendable {
  private let rooms: CachedRoomStore
  private struct Change {
    var room: RoomID
    var isClosure: Bool
  }

  private let changed: AsyncStream<Change>
  private let sink: AsyncStream<Change>.Continuation

  init(rooms: CachedRoomStore) {
    self.rooms = rooms
    (changed, sink) = AsyncStream.makeStream()
  }

  /// From any thread; does not wait.
  func took(_ events: [RoomEvent]) {
    for event in events where event.kind == .removal || event.kind == .closure {
      sink.yield(Change(room: event.room, isClosure: event.kind == .closure))
    }
  }

  /// Until cancelled.
  func run() async {
    for await change in changed { await rooms.roomChanged(change.room, isClosure: change.isClosure) }
  }
}
