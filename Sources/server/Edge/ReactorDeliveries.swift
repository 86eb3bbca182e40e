import ChatRooms
import HistoryIndex

/// What the hub says.
extension SocketReactor {
  func deliver(_ delivery: Delivery) {
    // Whatever else is said to clients comes behind the broadcasts before it.
    if case .broadcast = delivery {} else { sendRun() }
    switch delivery {
    case .joined(let subscription, let state, let frames): joined(subscription, state, frames)
    case .refused(let subscription, let error): refused(subscription, error)
    case .broadcast(let room, let broadcast): gather(broadcast, in: room)
    case .notice(let room, let frame, let user):
      guard let table = rooms[room] else { return }
      broadcast(frame, to: user == nil ? table.v1 : table.v1.filter { $0.connection.user.name != user })
      cutOverflowed()
    case .interrupt(let room): end(room, .tryAgain) { _ in true }
    case .evict(let room, let user): end(room, .removed) { user == nil || $0.user.id == user }
    case .evictUsers(let last):
      deletedUsers = max(deletedUsers, last)
      for case let connection? in slots { closeIfUserDeleted(connection) }
    }
  }

  func closeIfUserDeleted(_ connection: Connection) {
    guard connection.user.id <= deletedUsers else { return }
    beginClosing(connection, .removed, "the user was deleted")
  }

  private func joined(_ subscription: SubscriptionID, _ state: JoinState, _ frames: [WebSocketFrame]) {
    guard let (connection, room) = pendingJoins.removeValue(forKey: subscription),
      let place = connection.places.firstIndex(where: { $0.room == room })
    else { return }
    let table = rooms[room] ?? RoomTable()
    rooms[room] = table
    connection.places[place].index = table.add(.init(connection: connection, subscription: subscription))
    perform(connection.session.joined(room, state, frames), connection)
  }

  private func refused(_ subscription: SubscriptionID, _ error: ChatError) {
    guard let (connection, room) = pendingJoins.removeValue(forKey: subscription) else { return }
    if let place = connection.places.firstIndex(where: { $0.room == room }) {
      // The hub knows nothing of it, so that there is nothing to leave there.
      connection.places[place].subscription = nil
    }
    leave(room, connection)
    perform(connection.session.refused(room, error), connection)
  }

  /// Adds a broadcast to those of the same room that came just before it.
  func gather(_ broadcast: Broadcast, in room: RoomID) {
    if gathered.take(broadcast, in: room) { return }
    sendRun()
    _ = gathered.take(broadcast, in: room)
  }

  /// Queues the broadcasts that were gathered. To be called before anything else is done that a client could tell the
  /// order of, and at the end of a turn.
  func sendRun() {
    guard let room = gathered.room else { return }
    let ended = gathered
    gathered = BroadcastRun()
    guard let table = rooms[room] else { return }
    if !table.raw.isEmpty, let frame = ended.raw { broadcast(frame, to: table.raw) }
    if !table.v1.isEmpty, let frame = ended.v1 { broadcast(frame, to: table.v1) }
    cutOverflowed()
  }

  /// Ends subscriptions, also those that the hub has not begun yet.
  private func end(_ room: RoomID, _ code: CloseCode, where isMeant: (Connection) -> Bool) {
    let waiting = pendingJoins.values.filter { $0.room == room }.map(\.connection)
    let present = rooms[room]?.all.map(\.connection) ?? []
    for connection in waiting + present where isMeant(connection) {
      leave(room, connection)
      perform(connection.session.ended(room, code), connection)
    }
  }
}
