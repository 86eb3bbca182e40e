/// WebSockets that have several rooms each, listen to all of them and send to them in turn: a service of many rooms, none
/// of which has a connection of its own.
final class Crowd: LoadClient {
  /// One connection and its rooms.
  private struct Member {
    var connection: LoadConnection?
    var places: [Place]
    var isLive: Bool { places.allSatisfy(\.socket.isLive) }
  }

  private struct Place {
    var socket: RoomSocket
    var acks = AckChecker()
  }

  private static let mostOpening = 256
  /// Messages of one connection and room that wait at most.
  private static let mostWaiting = 64

  let acks: Measure
  let delivered = Measure("delivery")
  var deliveries: Int64 { places.reduce(0) { $0 + $1.socket.deliveries.checked } }

  private let state: RunState
  private let rate: Double
  private var members: [Member] = []
  private var schedule: ArrivalSchedule?
  private var end = Int64.min
  private var writer = MessageWriter()
  private var turn = 0
  private var begun = 0
  private var opening = 0

  /// - Parameters:
  ///   - count: connections.
  ///   - roomsEach: the run's rooms are gone through again and again, so that each has as many connections as any other.
  ///   - rate: messages a second over all connections.
  init(_ state: RunState, count: Int, roomsEach: Int, rate: Double) {
    self.state = state
    self.rate = rate
    acks = Measure("ack", askedRate: rate)
    let roomsEach = min(roomsEach, state.rooms.count)
    for number in 0..<count {
      let places = (0..<roomsEach).map { place in
        let room = state.rooms[(number * roomsEach + place) % state.rooms.count]
        return Place(socket: RoomSocket(room: room, deliveries: DeliveryChecker(room: room.id, limit: 1)))
      }
      members.append(Member(places: places))
    }
    state.loop.add(self)
  }

  private var places: some Sequence<Place> { members.lazy.flatMap(\.places) }

  // MARK: - The run

  var isReady: Bool { begun == members.count && opening == 0 }
  var isAnyLive: Bool { members.contains(where: \.isLive) }
  var isSettled: Bool { places.allSatisfy { $0.acks.waiting == 0 && $0.socket.isCaughtUp } }

  /// - Parameter end: nothing is sent from then on.
  func start(at start: Int64, until end: Int64, seed: UInt64) {
    self.end = end
    schedule = ArrivalSchedule(rate: rate, from: start, until: end, seed: seed)
  }

  /// Takes note of what never came.
  func finish() {
    while schedule?.take(at: end) != nil { acks.fail("not_sent") }
    for place in places {
      acks.fail("unanswered", times: Int64(place.acks.waiting))
      if !place.socket.isCaughtUp { state.loop.breaches.add(place.socket.loss) }
    }
  }

  func perform(at now: Int64) -> Int64 {
    connectSome()
    guard now < end else { return .max }
    while let due = schedule?.next, due <= now {
      guard let (member, place) = nextFree() else { return now + NanosecondClock.millisecond }
      _ = schedule?.take(at: now)
      send(member, place, intended: due)
    }
    return schedule?.next ?? .max
  }

  private func connectSome() {
    while begun < members.count, opening < Self.mostOpening {
      let number = begun
      begun += 1
      members[number].connection = state.loop.connect(
        .webSocket, request: state.requests.webSocket(state.connectTarget(connection: number)), client: self,
        number: number)
      if members[number].connection == nil { delivered.fail("no_socket") } else { opening += 1 }
    }
  }

  /// Connections take turns, and each its rooms.
  private func nextFree() -> (member: Int, place: Int)? {
    for _ in members.indices {
      turn += 1
      let member = turn % members.count
      let place = turn / members.count % members[member].places.count
      let found = members[member].places[place]
      if found.socket.isLive, found.acks.waiting < Self.mostWaiting { return (member, place) }
    }
    return nil
  }

  private func send(_ member: Int, _ place: Int, intended: Int64) {
    guard let connection = members[member].connection else { return }
    let number = state.number(messageIntendedAt: intended)
    members[member].places[place].acks.send(AckChecker.Sent(number: number, intended: intended))
    let room = members[member].places[place].socket.room.id
    state.loop.send(frame: writer.frame(number, of: state, mark: nil, room: room), on: connection)
  }

  // MARK: - What comes back

  func opened(_ connection: LoadConnection, at now: Int64) {
    for index in members[connection.number].places.indices {
      members[connection.number].places[index].socket.connection = connection
      let room = members[connection.number].places[index].socket.room.id
      state.loop.send(frame: Array("{\"type\":\"join\",\"room\":\(room),\"limit\":1}".utf8), on: connection)
    }
  }

  func received(_ payload: Span<UInt8>, on connection: LoadConnection, at now: Int64) {
    guard let frame = EventFrame(payload) else {
      return state.loop.breaches.add(Breach(.malformed, "a frame that is no JSON object"))
    }
    let member = connection.number
    guard let room = frame.room, let place = members[member].places.firstIndex(where: { $0.socket.room.id == room })
    else {
      if frame.type == .error { acks.fail(Senders.word(frame, payload)) }
      return
    }
    switch frame.type {
    case .ack: state.check { () throws(Breach) in try acknowledge(frame, member, place, now) }
    case .error:
      acks.fail(Senders.word(frame, payload))
      guard let number = frame.refNumber else { return }
      state.check { () throws(Breach) in _ = try members[member].places[place].acks.take(number) }
    default: take(frame, member, place, now)
    }
  }

  private func take(_ frame: EventFrame, _ member: Int, _ place: Int, _ now: Int64) {
    let wasLive = members[member].places[place].socket.isLive
    state.check { () throws(Breach) in try members[member].places[place].socket.deliveries.take(frame) }
    if wasLive, frame.type == .message, let intended = frame.number.flatMap(state.intended) {
      delivered.record(intended: intended, now: now)
    }
    if !wasLive, members[member].isLive { opening -= 1 }
  }

  private func acknowledge(_ frame: EventFrame, _ member: Int, _ place: Int, _ now: Int64) throws(Breach) {
    guard let number = frame.refNumber, let seq = frame.seq, let event = frame.event else {
      throw Breach(.malformed, "an ack without ref, seq or event")
    }
    let message = try members[member].places[place].acks.acknowledge(number, seq: seq)
    members[member].places[place].socket.room.reach(event: event, seq: seq)
    acks.record(intended: message.intended, now: now)
  }

  func ended(_ connection: LoadConnection, _ reason: String, at now: Int64) {
    if !members[connection.number].isLive { opening -= 1 }
    members[connection.number].connection = nil
    for index in members[connection.number].places.indices {
      members[connection.number].places[index].socket.connection = nil
    }
    delivered.fail(reason)
  }
}
