import Drivers
import Foundation
import TestSupport

/// A client as an application would write one: keeps a connection to some server, follows its rooms, writes, and comes
/// back with `since` and what was not acknowledged whenever the connection ends.
///
/// A thread of its own runs it; only `status` is for others.
final class ChatClient: @unchecked Sendable {
  struct Status: Sendable {
    var pending = 0
    /// By room, the newest event of those that are followed at the moment.
    var positions: [Int64: Int64] = [:]
  }

  /// How it connects.
  enum Style: Sendable {
    /// One connection for one room.
    case room(Int64)
    /// One connection for several.
    case many([Int64])

    var rooms: [Int64] {
      switch self {
      case .room(let room): [room]
      case .many(let rooms): rooms
      }
    }
  }

  /// Silence of the server's after which a connection counts as dead; a ping goes out at half of it.
  private static let patience: RunTime = 4_000
  private static let joinLimit = 100
  /// Begins the reason of a connection that was never made.
  static let notConnected = "not connected: "
  private static let slice = 15

  let name: String
  private let style: Style
  private let ports: [Int]
  private let clock: RunClock
  private let phase: RunPhase
  private let recorder: Recorder
  private let lock = NSLock()
  private var shown = Status()
  private var ended = false

  private var random: SplitMix64
  private var views: [Int64: RoomView] = [:]
  private var subscriptions: [Subscription] = []
  /// By room, the place in `subscriptions`.
  private var open: [Int64: Int] = [:]
  private var outbox: Outbox
  private var server = 0
  private var failures = 0
  private var nextWrite: RunTime = 0
  private var lastHeard: RunTime = 0
  private var lastPing: RunTime = 0

  /// - Parameters:
  ///   - user: may be that of another client too.
  ///   - ports: of the servers.
  init(
    name: String, user: String, style: Style, ports: [Int], seed: UInt64, clock: RunClock, phase: RunPhase,
    recorder: Recorder
  ) {
    self.name = name
    self.style = style
    self.ports = ports
    self.clock = clock
    self.phase = phase
    self.recorder = recorder
    random = SplitMix64(seed: seed)
    outbox = Outbox(client: name, user: user)
  }

  var status: Status { lock.withLock { shown } }
  var rooms: [Int64] { style.rooms }
  /// What it did and saw is with the recorder.
  var isOver: Bool { lock.withLock { ended } }

  func run() {
    while phase.current != .over {
      server = Int.random(in: ports.indices, using: &random)
      do {
        let socket = try connect()
        do { try serve(socket) } catch { end("\(error)") }
      } catch {
        end(Self.notConnected + "\(error)")
      }
      show()
      backOff()
    }
    defer { lock.withLock { ended = true } }
    recorder.add(attempts: outbox.attempts.filter { $0.sendings > 0 }, subscriptions: subscriptions)
  }

  private func backOff() {
    failures = min(failures + 1, 5)
    if phase.current != .over { clock.wait(Int.random(in: 10...(50 << failures), using: &random)) }
  }

  private func show() {
    var status = Status(pending: outbox.pendingCount)
    for room in open.keys { status.positions[room] = views[room]?.lastEvent }
    lock.withLock { shown = status }
  }

  // MARK: Connecting

  private func connect() throws -> WebSocketClient {
    let user = "user=\(percentEncoded(outbox.user))"
    let timeout = Duration.milliseconds(Self.patience)
    lastHeard = clock.now
    lastPing = clock.now
    switch style {
    case .room(let room):
      let resume = resumption(of: room).map { "&since=\($0.since)&epoch=\($0.epoch)" } ?? ""
      begin(room)
      return try WebSocketClient(
        port: ports[server], "/v1/chatrooms/\(room)/join?\(user)&limit=\(Self.joinLimit)\(resume)",
        subprotocols: ["palaver.v1"], timeout: timeout)
    case .many(let rooms):
      let socket = try WebSocketClient(
        port: ports[server], "/v1/connect?\(user)", subprotocols: ["palaver.v1"], timeout: timeout)
      for room in rooms { try join(room, socket) }
      return socket
    }
  }

  private func resumption(of room: Int64) -> (since: Int64, epoch: String)? {
    guard let view = views[room], let epoch = view.epoch else { return nil }
    return (view.lastEvent, epoch)
  }

  private func begin(_ room: Int64) {
    open[room] = subscriptions.count
    subscriptions.append(
      Subscription(
        client: name, room: room, server: server, since: resumption(of: room)?.since, limit: Self.joinLimit))
  }

  private func join(_ room: Int64, _ socket: WebSocketClient) throws {
    begin(room)
    var frame = [
      ("type", JSONValue.string("join")), ("room", .integer(room)), ("limit", .integer(Int64(Self.joinLimit))),
      ("ref", .string("join-\(room)-\(subscriptions.count)")),
    ]
    if let (since, epoch) = resumption(of: room) { frame += [("since", .integer(since)), ("epoch", .string(epoch))] }
    try socket.send(.object(JSONObject(frame.map { (name: $0.0, value: $0.1) })))
  }

  private func end(_ reason: String) {
    for index in open.values { subscriptions[index].end = reason }
    open = [:]
    outbox.connectionEnded()
    if phase.current == .working, Int.random(in: 0..<4, using: &random) == 0 { outbox.forget() }
  }

  // MARK: A connection

  private func serve(_ socket: WebSocketClient) throws {
    defer { socket.drop() }
    while phase.current != .over {
      try write(socket)
      try keepAlive(socket)
      if socket.hasInput(until: .now + .milliseconds(Self.slice)) {
        repeat { try take(socket) } while socket.hasInput(until: .now)
      }
      show()
      if phase.current == .working, Int.random(in: 0..<2_000, using: &random) == 0 {
        throw TestSupportError("the client went away")
      }
    }
    // Over: the subscriptions stand as they are.
    open = [:]
  }

  private func keepAlive(_ socket: WebSocketClient) throws {
    let now = clock.now
    guard now - lastHeard < Self.patience else { throw TestSupportError("silence") }
    guard now - max(lastHeard, lastPing) > Self.patience / 2 else { return }
    lastPing = now
    try socket.send(#"{"type":"ping"}"#)
  }

  private func write(_ socket: WebSocketClient) throws {
    let now = clock.now
    if phase.current == .working, now >= nextWrite {
      nextWrite = now + RunTime.random(in: 20...180, using: &random)
      if let room = style.rooms.randomElement(using: &random) { outbox.begin(in: room, now: now, random: &random) }
    }
    for frame in outbox.due(now: now, names: isMany) { try socket.send(frame) }
  }

  private var isMany: Bool { if case .many = style { true } else { false } }

  private func take(_ socket: WebSocketClient) throws {
    let input = try socket.receive(within: .milliseconds(Self.patience))
    lastHeard = clock.now
    guard case .text(let text) = input else {
      if case .pong = input { return }
      throw TestSupportError("\(input)")
    }
    let json = try JSONValue(parsing: text)
    let type = json["type"]?.string ?? ""
    switch type {
    case "ack", "error": try answer(json, text)
    case "bye": throw TestSupportError("bye")
    default:
      guard let frame = Frame(json) else {
        if Frame.types.contains(type) { recorder.add(nonsense: "\(name): \(text)") }
        return
      }
      follow(frame, in: json["room"]?.integer ?? style.rooms[0])
    }
  }

  private func answer(_ json: JSONValue, _ text: String) throws {
    if let word = json["error"]?.string { recorder.add(error: word) }
    switch outbox.take(json, server: server, now: clock.now) {
    case .known: break
    case .unknown:
      // A join that was refused: from the start.
      guard json["ref"]?.string?.hasPrefix("join-") == true || json["ref"] == nil else {
        return recorder.add(nonsense: "\(name), an answer to nothing: \(text)")
      }
      throw TestSupportError(text)
    }
  }

  private func follow(_ frame: Frame, in room: Int64) {
    guard let index = open[room] else { return recorder.add(nonsense: "\(name), of a room not followed: \(frame)") }
    subscriptions[index].entries.append(.init(time: clock.now, frame: frame))
    views[room, default: RoomView()].apply(frame, limit: Self.joinLimit)
    outbox.see(frame, in: room)
    if case .replayed = frame { failures = 0 }
  }
}
