/// WebSockets that send messages, at moments decided ahead or as fast as acknowledgements come, and take note of every
/// acknowledgement.
final class Senders: LoadClient {
  enum Pace {
    /// Messages a second over all connections.
    case rate(Double)
    /// Messages of each connection that may wait for their acknowledgement.
    case window(Int)
  }

  struct Acknowledged {
    var number: Int64
    /// Milliseconds since 1970.
    var timestamp: Int64
    var now: Int64
  }

  private struct Sender {
    var socket: RoomSocket
    var acks = AckChecker()
    var pausedUntil: Int64 = 0
    /// Messages that may wait for their acknowledgement.
    var window: Int
    /// Messages that it may still send.
    var quota: Int
  }

  /// Messages of one connection that wait at most: what is due beyond them waits here, and counts as late.
  private static let mostWaiting = 512
  /// Nanoseconds.
  private static let pauseAfterRefusal = NanosecondClock.second
  private static let longestPause = 30 * NanosecondClock.second

  let acks: Measure
  /// Deliveries that the senders got of their rooms.
  var deliveries: Int64 { senders.reduce(0) { $0 + $1.socket.deliveries.checked } }
  /// Hears of every acknowledgement.
  var onAcknowledged: ((Acknowledged) -> Void)?
  /// Makes a word of a message's own.
  var mark: ((Int64) -> String)?

  private let state: RunState
  private let pace: Pace
  private var senders: [Sender] = []
  private var schedule: ArrivalSchedule?
  private var end = Int64.min
  private var writer = MessageWriter()
  private var turn = 0

  /// - Parameters:
  ///   - count: connections; they take the run's rooms in turn.
  ///   - quota: messages that each connection may send.
  init(_ state: RunState, count: Int, pace: Pace, quota: Int = .max) {
    self.state = state
    self.pace = pace
    if case .rate(let rate) = pace { acks = Measure("ack", askedRate: rate) } else { acks = Measure("ack") }
    let window = if case .window(let size) = pace { size } else { Self.mostWaiting }
    for number in 0..<count {
      let room = state.rooms[number % state.rooms.count]
      let socket = RoomSocket(room: room, deliveries: DeliveryChecker(room: room.id, limit: 1))
      senders.append(Sender(socket: socket, window: window, quota: quota))
    }
    state.loop.add(self)
  }

  // MARK: - The run

  func connect() {
    for number in senders.indices {
      let target = state.joinTarget(senders[number].socket.room, connection: number, "limit=1")
      senders[number].socket.connection = state.loop.connect(
        .webSocket, request: state.requests.webSocket(target), client: self, number: number)
      if senders[number].socket.connection == nil { acks.fail("no_socket") }
    }
  }

  /// Whether every connection has joined, or failed.
  var isReady: Bool { senders.allSatisfy { $0.socket.connection == nil || $0.socket.isLive } }
  var isAnyLive: Bool { senders.contains { $0.socket.isLive } }

  /// - Parameter end: nothing is sent from then on.
  func start(at start: Int64, until end: Int64, seed: UInt64) {
    self.end = end
    if case .rate(let rate) = pace { schedule = ArrivalSchedule(rate: rate, from: start, until: end, seed: seed) }
  }

  /// Messages that each connection may send from now on.
  func allow(_ quota: Int) {
    for index in senders.indices { senders[index].quota = quota }
  }

  /// Whether nothing waits any more, be it an acknowledgement or a delivery of what was acknowledged.
  var isSettled: Bool {
    senders.allSatisfy { $0.acks.waiting == 0 && $0.socket.isCaughtUp }
  }

  /// Whether each has sent and had acknowledged what it was to send.
  var isQuotaUsed: Bool { senders.allSatisfy { $0.socket.connection == nil || $0.quota == 0 && $0.acks.waiting == 0 } }

  /// Takes note of what never came.
  func finish() {
    if case .rate = pace { acks.fail("not_sent", times: unsent()) }
    for sender in senders {
      acks.fail("unanswered", times: Int64(sender.acks.waiting))
      if !sender.socket.isCaughtUp { state.loop.breaches.add(sender.socket.loss) }
    }
  }

  func close() {
    state.loop.remove(self)
    for sender in senders { sender.socket.connection.map(state.loop.close) }
  }

  // MARK: - Sending

  /// Messages that were due and for which no connection was free until the end.
  private func unsent() -> Int64 {
    var count: Int64 = 0
    while schedule?.take(at: end) != nil { count += 1 }
    return count
  }

  func perform(at now: Int64) -> Int64 {
    guard now < end else { return .max }
    switch pace {
    case .rate: return sendDue(at: now)
    case .window:
      for index in senders.indices { fill(index, at: now) }
      return .max
    }
  }

  private func sendDue(at now: Int64) -> Int64 {
    while let due = schedule?.next, due <= now {
      guard let index = nextFree(at: now) else { return now + NanosecondClock.millisecond }
      _ = schedule?.take(at: now)
      send(index, intended: due)
    }
    return schedule?.next ?? .max
  }

  private func nextFree(at now: Int64) -> Int? {
    for _ in senders.indices {
      turn = (turn + 1) % senders.count
      if canSend(turn, now) { return turn }
    }
    return nil
  }

  private func canSend(_ index: Int, _ now: Int64) -> Bool {
    let sender = senders[index]
    return sender.socket.isLive && sender.acks.waiting < sender.window && sender.pausedUntil <= now && sender.quota > 0
  }

  private func fill(_ index: Int, at now: Int64) {
    while canSend(index, now) { send(index, intended: now) }
  }

  private func send(_ index: Int, intended: Int64) {
    guard let connection = senders[index].socket.connection else { return }
    let number = state.number(messageIntendedAt: intended)
    senders[index].acks.send(AckChecker.Sent(number: number, intended: intended))
    senders[index].quota -= 1
    state.loop.send(frame: writer.frame(number, of: state, mark: mark?(number)), on: connection)
  }

  // MARK: - What comes back

  func received(_ payload: Span<UInt8>, on connection: LoadConnection, at now: Int64) {
    guard let frame = EventFrame(payload) else {
      return state.loop.breaches.add(Breach(.malformed, "a frame that is no JSON object"))
    }
    let index = connection.number
    switch frame.type {
    case .ack: state.check { () throws(Breach) in try acknowledge(frame, index, now) }
    case .error: state.check { () throws(Breach) in try refuse(frame, payload, index, now) }
    default: state.check { () throws(Breach) in try senders[index].socket.deliveries.take(frame) }
    }
  }

  private func acknowledge(_ frame: EventFrame, _ index: Int, _ now: Int64) throws(Breach) {
    guard let number = frame.refNumber, let seq = frame.seq, let event = frame.event else {
      throw Breach(.malformed, "an ack without ref, seq or event")
    }
    let message = try senders[index].acks.acknowledge(number, seq: seq)
    senders[index].socket.room.reach(event: event, seq: seq)
    acks.record(intended: message.intended, now: now)
    onAcknowledged?(Acknowledged(number: number, timestamp: frame.timestamp ?? 0, now: now))
  }

  /// A refused message is not sent again: it counts as an error.
  private func refuse(_ frame: EventFrame, _ payload: Span<UInt8>, _ index: Int, _ now: Int64) throws(Breach) {
    acks.fail(Self.word(frame, payload))
    if let wait = frame.retryAfter {
      let wait = wait.multipliedReportingOverflow(by: NanosecondClock.millisecond).partialValue
      // Refused over and over, a connection is closed: it sends one at a time from here on, with long pauses.
      senders[index].pausedUntil = now + min(max(wait, Self.pauseAfterRefusal), Self.longestPause)
      senders[index].window = 1
    }
    guard let number = frame.refNumber else { return }
    state.sentWords.remove(of: number)
    _ = try senders[index].acks.take(number)
    // A room that is being filled gets as many messages as it was to get.
    if senders[index].quota < .max / 2 { senders[index].quota += 1 }
  }

  static func word(_ frame: EventFrame, _ payload: Span<UInt8>) -> String {
    let bytes = (frame.errorWord ?? 0..<0).map { payload[$0] }
    return bytes.isEmpty ? "error" : String(decoding: bytes, as: UTF8.self)
  }

  func ended(_ connection: LoadConnection, _ reason: String, at now: Int64) {
    senders[connection.number].socket.connection = nil
    for number in senders[connection.number].acks.waitingNumbers { state.sentWords.remove(of: number) }
    acks.fail(reason)
  }
}
