/// WebSockets that join a room: the time from the moment at which each was to begin until it has everything and is live.
final class Joiners: LoadClient {
  /// What one of them asks for.
  struct Wish {
    var room: BenchRoom
    var query: String
    var limit: Int
    /// The event to resume after, and the newest message then.
    var since: (event: Int64, seq: Int64)?
  }

  private struct Join {
    var socket: RoomSocket
    var intended: Int64
  }

  /// Joins that may be under way at once; what is due beyond them waits, and counts as late.
  private static let mostUnderWay = 4_096

  let joined: Measure
  private(set) var checked: Int64 = 0
  private(set) var liveCount = 0

  private let state: RunState
  private let isKept: Bool
  private let wish: (Int) -> Wish?
  private var joins: [Join?] = []
  private var free: [Int] = []
  private var underWay = 0
  /// Joins that are to begin at once.
  private var burst = 0
  private var burstTime: Int64 = 0
  private var schedule: ArrivalSchedule?
  private var end = Int64.max
  private var begun = 0

  /// - Parameters:
  ///   - isKept: whether connections stay open once they are live.
  ///   - wish: what the join of a number is; `nil`: nothing now.
  init(_ state: RunState, name: String, rate: Double? = nil, isKept: Bool, wish: @escaping (Int) -> Wish?) {
    self.state = state
    self.isKept = isKept
    self.wish = wish
    joined = Measure(name, askedRate: rate)
    state.loop.add(self)
  }

  /// Begins so many at one moment.
  func start(_ count: Int, at now: Int64) { (burst, burstTime) = (count, now) }

  func start(rate: Double, at start: Int64, until end: Int64, seed: UInt64) {
    self.end = end
    schedule = ArrivalSchedule(rate: rate, from: start, until: end, seed: seed)
  }

  var isSettled: Bool { underWay == 0 && burst == 0 }

  func finish() {
    joined.fail("unanswered", times: Int64(underWay))
    var unsent = Int64(burst)
    while schedule?.take(at: end) != nil { unsent += 1 }
    joined.fail("not_sent", times: unsent)
    for join in joins.compactMap(\.self) where join.socket.isLive && !join.socket.isCaughtUp {
      state.loop.breaches.add(join.socket.loss)
    }
  }

  /// Whether those that stay have seen everything that was acknowledged.
  var isCaughtUp: Bool { joins.allSatisfy { $0?.socket.isCaughtUp ?? true } }

  /// Cuts every connection, as a network does.
  func cut() {
    for join in joins { (join?.socket.connection).map(state.loop.close) }
    joins = []
    free = []
    liveCount = 0
    state.loop.remove(self)
  }

  func perform(at now: Int64) -> Int64 {
    while burst > 0, underWay < Self.mostUnderWay {
      burst -= 1
      begin(intended: burstTime)
    }
    while underWay < Self.mostUnderWay, now < end, let due = schedule?.take(at: now) { begin(intended: due) }
    return now < end ? schedule?.next ?? .max : .max
  }

  private func begin(intended: Int64) {
    guard let wish = wish(begun) else { return }
    let target = state.joinTarget(wish.room, connection: begun, wish.query)
    begun += 1
    let slot = free.popLast() ?? joins.count
    if slot == joins.count { joins.append(nil) }
    guard
      let connection = state.loop.connect(
        .webSocket, request: state.requests.webSocket(target), client: self, number: slot)
    else {
      free.append(slot)
      return joined.fail("no_socket")
    }
    let checker = DeliveryChecker(room: wish.room.id, limit: wish.limit, since: wish.since)
    joins[slot] = Join(
      socket: RoomSocket(connection: connection, room: wish.room, deliveries: checker), intended: intended)
    underWay += 1
  }

  func received(_ payload: Span<UInt8>, on connection: LoadConnection, at now: Int64) {
    let slot = connection.number
    guard let frame = EventFrame(payload) else {
      return state.loop.breaches.add(Breach(.malformed, "a frame that is no JSON object"))
    }
    let wasLive = joins[slot]?.socket.deliveries.isLive ?? true
    state.check { () throws(Breach) in try joins[slot]?.socket.deliveries.take(frame) }
    guard !wasLive, let join = joins[slot], join.socket.deliveries.isLive else { return }
    underWay -= 1
    checked += join.socket.deliveries.checked
    joined.record(intended: join.intended, now: now)
    liveCount += 1
    guard !isKept else { return }
    state.loop.close(connection)
    release(slot)
  }

  private func release(_ slot: Int) {
    if joins[slot]?.socket.deliveries.isLive == true { liveCount -= 1 } else { underWay -= 1 }
    joins[slot] = nil
    free.append(slot)
  }

  func ended(_ connection: LoadConnection, _ reason: String, at now: Int64) {
    joined.fail(reason)
    release(connection.number)
  }
}
