/// Kept HTTP connections that fetch, each one thing at a time: at moments decided ahead, or as fast as replies come.
final class Fetchers: LoadClient {
  private struct Flight {
    var fetch: Fetch
    var intended: Int64
  }

  let replies: Measure
  private(set) var checked: Int64 = 0

  private let state: RunState
  private let rate: Double
  private let next: () -> Fetch?
  private var connections: [LoadConnection?]
  private var flights: [Flight?]
  private var idle: [Int]
  private var schedule: ArrivalSchedule?
  private var end = Int64.min

  /// - Parameters:
  ///   - rate: a second, over all connections; 0: as fast as replies come.
  ///   - next: what to fetch; `nil`: nothing now.
  init(_ state: RunState, name: String, count: Int, rate: Double, next: @escaping () -> Fetch?) {
    self.state = state
    self.rate = rate
    self.next = next
    replies = Measure(name, askedRate: rate > 0 ? rate : nil)
    connections = Array(repeating: nil, count: count)
    flights = Array(repeating: nil, count: count)
    idle = Array((0..<count).reversed())
    state.loop.add(self)
  }

  func start(at start: Int64, until end: Int64, seed: UInt64) {
    self.end = end
    if rate > 0 { schedule = ArrivalSchedule(rate: rate, from: start, until: end, seed: seed) }
  }

  var isSettled: Bool { idle.count == connections.count }

  func finish() {
    var unsent: Int64 = 0
    while schedule?.take(at: end) != nil { unsent += 1 }
    replies.fail("not_sent", times: unsent)
    let unanswered = Int64(connections.count - idle.count)
    replies.fail("unanswered", times: unanswered)
  }

  func perform(at now: Int64) -> Int64 {
    guard now < end else { return .max }
    guard rate > 0 else {
      while !idle.isEmpty, begin(intended: now) {}
      return .max
    }
    while !idle.isEmpty, let due = schedule?.take(at: now) {
      guard begin(intended: due) else { break }
    }
    return idle.isEmpty ? .max : schedule?.next ?? .max
  }

  /// - Returns: whether something was sent.
  private func begin(intended: Int64) -> Bool {
    guard let fetch = next(), let slot = idle.popLast() else { return false }
    let request = state.requests.get(fetch.target)
    if let connection = connections[slot] {
      state.loop.send(request, on: connection)
    } else {
      connections[slot] = state.loop.connect(.http, request: request, client: self, number: slot)
    }
    guard connections[slot] != nil else {
      idle.append(slot)
      replies.fail("no_socket")
      return false
    }
    flights[slot] = Flight(fetch: fetch, intended: intended)
    return true
  }

  func replied(_ status: Int, _ body: Span<UInt8>, on connection: LoadConnection, at now: Int64) {
    guard let flight = land(connection.number) else {
      return state.loop.breaches.add(Breach(.malformed, "a reply that nobody asked for"))
    }
    guard status == 200 else { return replies.fail("http_\(status)") }
    do throws(Breach) {
      try flight.fetch.check(body)
      checked += 1
      replies.record(intended: flight.intended, now: now)
    } catch { state.loop.breaches.add(error) }
  }

  func ended(_ connection: LoadConnection, _ reason: String, at now: Int64) {
    connections[connection.number] = nil
    if land(connection.number) != nil { replies.fail(reason) }
  }

  private func land(_ slot: Int) -> Flight? {
    guard let flight = flights[slot] else { return nil }
    flights[slot] = nil
    idle.append(slot)
    return flight
  }
}
