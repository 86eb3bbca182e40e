import ChatRooms

/// What each loop is to be told once everything that came together was handled: the events of a commit then reach a loop
/// together, and go out in one write a connection.
struct HubOutbox {
  private var loops: [any DeliveryLoop] = []
  private var deliveries: [[Delivery]] = []
  private var builder = BroadcastBuilder()

  /// Returns the loop's number.
  mutating func attach(_ loop: any DeliveryLoop) -> Int {
    loops.append(loop)
    deliveries.append([])
    return loops.count - 1
  }

  mutating func post(_ delivery: Delivery, to loop: Int) {
    endBroadcast()
    if deliveries.indices.contains(loop) { deliveries[loop].append(delivery) }
  }

  mutating func postToAll(_ delivery: Delivery) {
    for loop in loops.indices { post(delivery, to: loop) }
  }

  /// Renders an event for a room's audience, behind its events before.
  mutating func broadcast(_ event: RoomEvent, object: ArraySlice<UInt8>?, to audience: RoomAudience) {
    let formats = audience.formats
    if !builder.isOpen(for: event.room, in: formats) {
      endBroadcast()
      builder.open(event.room, to: audience.loops, in: formats)
    }
    builder.append(event, object: object)
  }

  /// What is said next comes behind what has been rendered.
  private mutating func endBroadcast() {
    guard let room = builder.room, let broadcast = builder.take() else { return }
    for loop in builder.loops where deliveries.indices.contains(loop) {
      deliveries[loop].append(.broadcast(room, broadcast))
    }
  }

  mutating func sendOut() {
    endBroadcast()
    for index in loops.indices where !deliveries[index].isEmpty {
      loops[index].post(contentsOf: deliveries[index])
      deliveries[index] = []
    }
  }
}
