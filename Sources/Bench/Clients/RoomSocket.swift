/// One connection to one room, and what it was told.
struct RoomSocket {
  var connection: LoadConnection?
  let room: BenchRoom
  var deliveries: DeliveryChecker

  var isLive: Bool { connection != nil && deliveries.isLive }
  /// Whether it has seen everything that was acknowledged, or can see nothing any more.
  var isCaughtUp: Bool { connection == nil || deliveries.lastEvent >= room.lastEvent }

  /// What is said of one that is not caught up when all is over.
  var loss: Breach {
    Breach(
      .lost,
      "room \(room.id): a connection has event \(deliveries.lastEvent), acknowledged was \(room.lastEvent)")
  }
}
