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
  private static let patience = 20 * NanosecondClock.second
  /// Messages that are asked for at once.
  private static let mostProbes = 64

  let found = Measure("ack to found")
  let fresh = Measure("ack to certain")
  private(set) var searches: Int64 = 0

  private let state: RunState
  private var connections: [LoadConnection?] = []
  private var probes: [Probe?] = []

  init(_ state: RunState) {
    self.state = state
    state.loop.add(self)
  }

  var isSettled: Bool { probes.allSatisfy { $0 == nil } }

  static func word(_ number: Int64, of state: RunState) -> String { "probe\(state.runName)x\(number)" }

  /// Begins to ask for a message.
  func follow(_ message: Senders.Acknowledged) {
    let probe = Probe(
      word: Self.word(message.number, of: state), timestamp: message.timestamp, acknowledged: message.now,
      nextPoll: message.now)
    if let slot = probes.firstIndex(where: { $0 == nil }) {
      probes[slot] = probe
    } else if probes.count < Self.mostProbes {
      probes.append(probe)
      connections.append(nil)
    } else {
      found.fail("not_followed")
    }
  }

  func perform(at now: Int64) -> Int64 {
    var next = Int64.max
    for slot in probes.indices {
      guard let probe = probes[slot], !probe.isAsking else { continue }
      if now - probe.acknowledged > Self.patience {
        give(up: slot)
      } else if probe.nextPoll <= now {
        ask(slot)
      } else {
        next = min(next, probe.nextPoll)
      }
    }
    return next
  }

  private func give(up slot: Int) {
    if probes[slot]?.foundAt == nil { found.fail("not_found") } else { fresh.fail("not_certain") }
    probes[slot] = nil
  }

  private func ask(_ slot: Int) {
    guard let word = probes[slot]?.word else { return }
    let request = state.requests.get("/v1/search?q=\(word)&limit=1")
    if let connection = connections[slot] {
      state.loop.send(request, on: connection)
    } else {
      connections[slot] = state.loop.connect(.http, request: request, client: self, number: slot)
    }
    probes[slot]?.isAsking = connections[slot] != nil
    searches += 1
  }

  func replied(_ status: Int, _ body: Span<UInt8>, on connection: LoadConnection, at now: Int64) {
    let slot = connection.number
    guard var probe = probes[slot] else { return }
    probe.isAsking = false
    probe.nextPoll = now + (probe.foundAt == nil ? Self.pauseUntilFound : Self.pauseUntilFresh)
    if status == 200 { look(&probe, body, now) } else { found.fail("http_\(status)") }
    probes[slot] = probe.isOver ? nil : probe
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
    guard probes[connection.number]?.isAsking == true else { return }
    probes[connection.number]?.isAsking = false
    probes[connection.number]?.nextPoll = now + Self.pauseUntilFresh
    found.fail(reason)
  }
}
