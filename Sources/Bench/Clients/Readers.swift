/// WebSockets that listen to rooms: every delivery's latency, from the moment at which its message was to be sent, and
/// its place in the order.
final class Readers: LoadClient {
  let delivered = Measure("delivery")
  var deliveries: Int64 { sockets.reduce(0) { $0 + $1.deliveries.checked } }

  private let state: RunState
  private var sockets: [RoomSocket] = []
  /// Connections that were begun, and how many may be on their way at once.
  private var begun = 0
  private static let mostOpening = 256
  private var opening = 0

  /// - Parameter count: connections; they take the run's rooms in turn.
  init(_ state: RunState, count: Int) {
    self.state = state
    for number in 0..<count {
      let room = state.rooms[number % state.rooms.count]
      sockets.append(RoomSocket(room: room, deliveries: DeliveryChecker(room: room.id, limit: 1)))
    }
    state.loop.add(self)
  }

  /// Connects little by little.
  func perform(at now: Int64) -> Int64 {
    while begun < sockets.count, opening < Self.mostOpening {
      let number = begun
      let target = state.joinTarget(sockets[number].room, connection: number, "limit=1")
      begun += 1
      sockets[number].connection = state.loop.connect(
        .webSocket, request: state.requests.webSocket(target), client: self, number: number)
      if sockets[number].connection == nil { delivered.fail("no_socket") } else { opening += 1 }
    }
    return .max
  }

  var isReady: Bool { begun == sockets.count && opening == 0 }
  var isSettled: Bool { sockets.allSatisfy(\.isCaughtUp) }

  /// Takes note of what never came.
  func finish() {
    for socket in sockets where !socket.isCaughtUp { state.loop.breaches.add(socket.loss) }
  }

  func received(_ payload: Span<UInt8>, on connection: LoadConnection, at now: Int64) {
    guard let frame = EventFrame(payload) else {
      return state.loop.breaches.add(Breach(.malformed, "a frame that is no JSON object"))
    }
    let index = connection.number
    let wasLive = sockets[index].deliveries.isLive
    do throws(Breach) { try sockets[index].deliveries.take(frame) } catch { state.loop.breaches.add(error) }
    if wasLive, frame.type == .message, let intended = frame.number.flatMap(state.intended) {
      delivered.record(intended: intended, now: now)
    }
    if !wasLive, sockets[index].deliveries.isLive { opening -= 1 }
    if frame.type == .error { delivered.fail(Senders.word(frame, payload)) }
  }

  func ended(_ connection: LoadConnection, _ reason: String, at now: Int64) {
    let index = connection.number
    if !sockets[index].deliveries.isLive { opening -= 1 }
    sockets[index].connection = nil
    delivered.fail(reason)
  }
}
