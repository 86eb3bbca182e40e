import Drivers
import Foundation
import TestSupport

/// A client of the raw protocol: texts in, texts out. What was not echoed when a connection ends is never sent again:
/// nobody can know.
///
/// A thread of its own runs it; only `lastEvent` and `isOver` are for others.
final class RawChatClient: @unchecked Sendable {
  private static let patience: Duration = .seconds(4)

  let name: String
  let room: Int64
  private let user: String
  private let ports: [Int]
  private let clock: RunClock
  private let phase: RunPhase
  private let recorder: Recorder
  private let lock = NSLock()
  private var seen: Int64 = 0
  private var ended = false

  private var random: SplitMix64
  private var attempts: [Attempt] = []
  /// By text, the place in `attempts`.
  private var pending: [String: Int] = [:]
  private var connections: [RawConnection] = []
  private var failures = 0
  private var nextWrite: RunTime = 0

  /// - Parameter number: makes its user, whom nobody else may be.
  init(
    number: Int, room: Int64, ports: [Int], seed: UInt64, clock: RunClock, phase: RunPhase, recorder: Recorder
  ) {
    name = "raw-client-\(number)"
    user = RawUser.prefix + "\(number)"
    self.room = room
    self.ports = ports
    self.clock = clock
    self.phase = phase
    self.recorder = recorder
    random = SplitMix64(seed: seed)
  }

  /// The newest event that it saw.
  var lastEvent: Int64 { lock.withLock { seen } }
  var isOver: Bool { lock.withLock { ended } }

  func run() {
    while phase.current != .over {
      let server = Int.random(in: ports.indices, using: &random)
      do {
        let since = lastEvent > 0 && Bool.random(using: &random) ? lastEvent : nil
        let resume = since.map { "&since=\($0)" } ?? ""
        let connection = RawConnection(client: name, room: room, server: server, since: since, began: clock.now)
        let socket = try WebSocketClient(
          port: ports[server], "/v1/chatrooms/\(room)/join?user=\(user)\(resume)", timeout: Self.patience)
        connections.append(connection)
        try serve(socket)
      } catch {
        if let last = connections.indices.last, connections[last].end == nil { connections[last].end = "\(error)" }
      }
      pending = [:]
      failures = min(failures + 1, 5)
      if phase.current != .over { clock.wait(Int.random(in: 10...(50 << failures), using: &random)) }
    }
    recorder.add(attempts: attempts, rawConnections: connections)
    lock.withLock { ended = true }
  }

  private func serve(_ socket: WebSocketClient) throws {
    defer { socket.drop() }
    while phase.current != .over {
      try write(socket)
      if socket.hasInput(until: .now + .milliseconds(20)) {
        repeat { try take(socket) } while socket.hasInput(until: .now)
      }
      if phase.current == .working, Int.random(in: 0..<1_000, using: &random) == 0 {
        throw TestSupportError("the client went away")
      }
      // Without pings of its own, it takes an echo that does not come for the connection's end.
      let oldest = pending.values.min().map { attempts[$0].began } ?? clock.now
      guard clock.now - oldest < 5_000 else { throw TestSupportError("silence") }
    }
  }

  private func write(_ socket: WebSocketClient) throws {
    guard phase.current == .working, clock.now >= nextWrite, pending.count < 4 else { return }
    nextWrite = clock.now + RunTime.random(in: 50...300, using: &random)
    let text = "\(user) says number \(attempts.count)"
    var attempt = Attempt(room: room, user: user, ref: text, action: .send(text: text), began: clock.now)
    attempt.sendings = 1
    pending[text] = attempts.count
    attempts.append(attempt)
    try socket.send(text)
    if Int.random(in: 0..<50, using: &random) == 0 { throw TestSupportError("the client went away at once") }
  }

  private func take(_ socket: WebSocketClient) throws {
    let input = try socket.receive(within: Self.patience)
    guard case .text(let text) = input else {
      if case .pong = input { return }
      throw TestSupportError("\(input)")
    }
    guard let message = RawMessage(try JSONValue(parsing: text), room: room, time: clock.now) else {
      return recorder.add(nonsense: "\(name): \(text)")
    }
    failures = 0
    connections[connections.count - 1].messages.append(message)
    lock.withLock { seen = max(seen, message.event) }
    guard message.user == user, let index = pending.removeValue(forKey: message.text) else { return }
    attempts[index].acknowledgements.append(
      .init(seq: message.seq, event: message.event, server: connections[connections.count - 1].server, time: clock.now))
  }
}
