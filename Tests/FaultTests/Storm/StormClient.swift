import Drivers
import Foundation
import TestSupport

/// A `palaver.v1` client that keeps no more of its room than its position, for storms of thousands. Its room must know
/// neither edits nor deletions: then every live event is a message, and the next one.
struct StormClient {
  enum State {
    /// Connects at that time.
    case waiting(until: ContinuousClock.Instant)
    case handshaking
    case joining
    case live
  }

  let number: Int
  let room: Int64
  private(set) var socket: Socket?
  private(set) var state: State
  private(set) var position: Int64 = 0
  private(set) var lastSeq: Int64 = 0
  private(set) var messages = 0
  /// Joins that were answered: let in, or told to come again.
  private(set) var answers = 0
  private(set) var breaches: [String] = []
  private var epoch: String?
  private var buffer: [UInt8] = []
  private var failures = 0

  init(number: Int, room: Int64, start: ContinuousClock.Instant) {
    self.number = number
    self.room = room
    state = .waiting(until: start)
  }

  var isLive: Bool { if case .live = state { true } else { false } }

  /// - Throws: where nobody listens.
  mutating func connect(port: Int) throws {
    let resume = epoch.map { "&since=\(position)&epoch=\($0)" } ?? "&since=0"
    let socket = try Socket(port: port)
    try socket.send(
      """
      GET /v1/chatrooms/\(room)/join?user=storm-\(number % 50)\(resume)&limit=1000 HTTP/1.1\r
      Host: 127.0.0.1:\(port)\r
      Upgrade: websocket\r
      Connection: Upgrade\r
      Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
      Sec-WebSocket-Version: 13\r
      Sec-WebSocket-Protocol: palaver.v1\r
      \r\n
      """.utf8)
    self.socket = socket
    buffer = []
    state = .handshaking
  }

  /// Comes back after a random part of a time that doubles with each failure: a crowd spreads by itself.
  mutating func retreat(random: inout SplitMix64) {
    socket = nil
    state = .waiting(until: .now + .milliseconds(Int.random(in: 0...min(5_000, 250 << failures), using: &random)))
    failures = min(failures + 1, 5)
  }

  /// Takes what has come. - Throws: at the connection's end.
  mutating func receive() throws {
    guard let bytes = try socket?.receive(until: .now) else { throw TestSupportError("ended") }
    buffer += bytes
    if case .handshaking = state, !takeHead() { return }
    try takeFrames()
  }

  private mutating func takeHead() -> Bool {
    guard let end = buffer.firstRange(of: Array("\r\n\r\n".utf8)) else { return false }
    if !buffer.starts(with: Array("HTTP/1.1 101".utf8)) { answers += 1 }
    buffer.removeFirst(end.upperBound)
    state = .joining
    return true
  }

  private mutating func takeFrames() throws {
    var start = 0
    while buffer.count - start >= 2 {
      var length = Int(buffer[start + 1] & 0x7F)
      var head = 2
      if length >= 126 {
        let width = length == 126 ? 2 : 8
        guard buffer.count - start >= 2 + width else { break }
        length = buffer[(start + 2)..<(start + 2 + width)].reduce(0) { $0 << 8 | Int($1) }
        head += width
      }
      guard buffer.count - start - head >= length else { break }
      let payload = Array(buffer[(start + head)..<(start + head + length)])
      try take(opcode: buffer[start] & 0x0F, payload)
      start += head + length
    }
    buffer.removeFirst(start)
  }

  private mutating func take(opcode: UInt8, _ payload: [UInt8]) throws {
    switch WebSocketClient.Opcode(rawValue: opcode) {
    case .text: try take(JSONValue(parsing: payload))
    case .ping:
      try socket?.send(WebSocketClient.frame(WebSocketClient.Opcode.pong.rawValue, payload, mask: 0x0102_0304))
    default: throw TestSupportError("closed")
    }
  }

  private mutating func take(_ frame: JSONValue) throws {
    switch frame["type"]?.string {
    case "ready":
      answers += 1
      epoch = frame["epoch"]?.string
      if frame["complete"]?.boolean != true { (position, lastSeq, messages) = (0, -1, 0) }
    case "message":
      guard let event = frame["event"]?.integer, let seq = frame["seq"]?.integer else {
        return fail("\(frame.compact)")
      }
      if isLive ? event != position + 1 : event <= position {
        fail("event \(event) after \(position), live: \(isLive)")
      }
      // What came before an incomplete replay is not known.
      if lastSeq >= 0, seq != lastSeq + 1 { fail("message \(seq) after \(lastSeq)") }
      (position, lastSeq) = (event, seq)
      messages += 1
    case "replayed":
      position = max(position, frame["through"]?.integer ?? 0)
      lastSeq = max(0, lastSeq)
      state = .live
      failures = 0
    case "edited", "deleted", "removed": fail(frame.compact)
    case "error":
      answers += 1
      throw TestSupportError("refused")
    case "bye": throw TestSupportError("bye")
    default: break
    }
  }

  private mutating func fail(_ what: String) { breaches.append("client \(number) of room \(room): \(what)") }
}
