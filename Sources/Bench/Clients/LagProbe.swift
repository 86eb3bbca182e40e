/// Measures how soon after its acknowledgement a message is found by somebody who did not send it.
///
/// Each message has a word of its own. A connection asks for it again and again, with a short pause, until it is found,
/// and then until the reply says that everything up to its moment is certain to be there (`fresh_as_of`).
final class LagProbe: LoadClient {
  private struct Probe {
    var word: String
    /// Milliseconds since 1970.
    var timestamp: Int64
    var acknowledged: Int64
    var foundAt: Int64?
    var nextPoll: Int64
    var isAsking = false
    var isOver = false
  }

  /// Nanoseconds between a reply and the next question: this much a figure may be too large.
  private static let pauseUntilFound = 5 * NanosecondClock.millisecond
  private static let pauseUntilFresh = 50 * NanosecondClock.millisecond
  /// Nanoseconds after which a message counts as not found.
  private static let patience = 10 * NanosecondClock.second
  /// Searches under way at once. A probe that finds none free waits, and its message counts as found late.
  private static let connectionCount = 32

  let found = Measure("ack to found")
  let fresh = Measure("ack to certain")
  private(set) var searches: Int64 = 0

  private let state: RunState
  private var connections: [LoadConnection?]
  /// The probe that each connection asks for.
  private var asked: [Int?]
  private var idle: [Int]
  private var probes: [Probe?] = []
  private var free: [Int] = []
  /// Where the next look at the probes begins, so that all have their turn.
  private var turn = 0

  init(_ state: RunState) {
    self.state = state
    connections = Array(repeating: nil, count: Self.connectionCount)
    asked = Array(repeating: nil, count: Self.connectionCount)
    idle = Array(0..<Self.connectionCount)
    state.loop.add(self)
  }

  var isSettled: Bool { free.count == probes.count }

  static func word(_ number: Int64, of state: RunState) -> String { "probe\(state.runName)x\(number)" }

  /// Begins to ask for a message.
  func follow(_ message: Senders.Acknowledged) {
    let probe = Probe(
      word: Self.word(message.number, of: state), timestamp: message.timestamp, acknowledged: message.now,
      nextPoll: message.now)
    if let slot = free.popLast() {
      probes[slot] = probe
    } else {
      probes.append(probe)
    }
  }

  func perform(at now: Int64) -> Int64 {
    var next = Int64.max
    for offset in probes.indices {
      let slot = (turn + offset) % probes.count
      guard let probe = probes[slot], !probe.isAsking else { continue }
      if now - probe.acknowledged > Self.patience {
        give(up: slot)
      } else if probe.nextPoll > now {
        next = min(next, probe.nextPoll)
      } else if !ask(slot) {
        turn = slot
        return now + Self.pauseUntilFound
      }
    }
    return next
  }

  /// Takes note of what was not found.
  func finish() {
    for slot in probes.indices where probes[slot] != nil { give(up: slot) }
  }

  private func give(up slot: Int) {
    if probes[slot]?.foundAt == nil { found.fail("not_found") } else { fresh.fail("not_certain") }
    end(slot)
  }

  private func end(_ slot: Int) {
    probes[slot] = nil
    free.append(slot)
  }

  /// - Returns: false where no connection is free.
  private func ask(_ slot: Int) -> Bool {
    guard let word = probes[slot]?.word, let number = idle.popLast() else { return false }
    let request = state.requests.get("/v1/search?q=\(word)&limit=1")
    if let connection = connections[number] {
      state.loop.send(request, on: connection)
    } else {
      connections[number] = state.loop.connect(.http, request: request, client: self, number: number)
    }
    guard connections[number] != nil else {
      idle.append(number)
      return false
    }
    asked[number] = slot
    probes[slot]?.isAsking = true
    searches += 1
    return true
  }

  /// The probe that a connection asked for, which may ask again after a pause.
  private func answered(_ number: Int, at now: Int64) -> (slot: Int, probe: Probe)? {
    guard let slot = asked[number], var probe = probes[slot] else { return nil }
    asked[number] = nil
    idle.append(number)
    probe.isAsking = false
    probe.nextPoll = now + (probe.foundAt == nil ? Self.pauseUntilFound : Self.pauseUntilFresh)
    return (slot, probe)
  }

  func replied(_ status: Int, _ body: Span<UInt8>, on connection: LoadConnection, at now: Int64) {
    guard let answer = answered(connection.number, at: now) else {
      return state.loop.breaches.add(Breach(.malformed, "a reply that nobody asked for"))
    }
    var probe = answer.probe
    if status == 200 { look(&probe, body, now) } else { found.fail("http_\(status)") }
    probes[answer.slot] = probe
    if probe.isOver { end(answer.slot) }
  }

  private func look(_ probe: inout Probe, _ body: Span<UInt8>, _ now: Int64) {
    let isFound =
      JSONScanner.member("hits", in: body).map { hits in
        JSONScanner.contains(Array(probe.word.utf8), in: body, from: hits, to: JSONScanner.end(of: hits, in: body))
      } ?? false
    let freshAsOf =
      JSONScanner.member("fresh_as_of", in: body).flatMap { JSONScanner.integer(in: body, at: $0) } ?? 0
    let isComplete = JSONScanner.member("complete", in: body).map { JSONScanner.isTrue(in: body, at: $0) } ?? false
    let isFresh = freshAsOf >= probe.timestamp
    if isFound, probe.foundAt == nil {
      probe.foundAt = now
      found.record(intended: probe.acknowledged, now: now)
    }
    if isFresh, isComplete, !isFound { state.loop.breaches.add(Self.breach(probe, freshAsOf)) }
    if isFresh {
      if isFound { fresh.record(intended: probe.acknowledged, now: now) }
      probe.isOver = isFound || isComplete
    }
  }

  private static func breach(_ probe: Probe, _ freshAsOf: Int64) -> Breach {
    Breach(
      .wrongSearch,
      "'\(probe.word)' of \(probe.timestamp) is not found, though the reply is fresh as of \(freshAsOf)")
  }

  func ended(_ connection: LoadConnection, _ reason: String, at now: Int64) {
    connections[connection.number] = nil
    guard let (slot, probe) = answered(connection.number, at: now) else { return }
    probes[slot] = probe
    found.fail(reason)
  }
}
