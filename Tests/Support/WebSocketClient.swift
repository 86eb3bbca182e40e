import Drivers
import Foundation

/// What a WebSocket client receives; pings are answered on the way.
public enum WebSocketInput: Sendable, Equatable {
  case text(String)
  case binary([UInt8])
  case pong([UInt8])
  /// `code` is 1005 where the close frame had none.
  case close(code: Int, reason: String)
  /// The connection ended without a close frame.
  case end
}

/// The server answered the handshake with something else than 101.
public struct HandshakeRefused: Error, CustomStringConvertible {
  public var response: HTTPTestResponse
  public var description: String { "no handshake: \(response)" }
}

/// A client of RFC 6455 that can also break its rules. Used by one thread at a time.
public final class WebSocketClient {
  public enum Opcode: UInt8, Sendable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA
  }

  public let socket: Socket
  /// The server's reply to the handshake.
  public let handshake: HTTPTestResponse
  private var buffer: [UInt8]
  private var fragments: (opcode: UInt8, payload: [UInt8])?
  private var random = SystemRandomNumberGenerator()
  private var hasSentClose = false

  /// - Parameter target: path and query, encoded.
  /// - Throws: `HandshakeRefused`.
  public init(
    port: Int, _ target: String, subprotocols: [String] = [], headers: [(name: String, value: String)] = [],
    timeout: Duration = .seconds(15)
  ) throws {
    socket = try Socket(port: port)
    var head = "GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    head += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    if !subprotocols.isEmpty { head += "Sec-WebSocket-Protocol: \(subprotocols.joined(separator: ", "))\r\n" }
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    try socket.send((head + "\r\n").utf8)
    var reader = HTTPReplyReader(socket: socket, deadline: .now + timeout)
    handshake = try reader.readReply(to: "GET")
    buffer = reader.rest
    guard handshake.status == 101 else { throw HandshakeRefused(response: handshake) }
    // The key above and this answer are the example of RFC 6455, section 1.3.
    guard handshake.header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" else {
      throw TestSupportError("wrong Sec-WebSocket-Accept: \(handshake.headers)")
    }
  }

  public func send(_ text: String) throws { try send(.text, Array(text.utf8)) }

  public func send(_ json: JSONValue) throws { try send(json.compact) }

  public func send(_ opcode: Opcode, _ payload: [UInt8], isFinal: Bool = true) throws {
    if opcode == .close { hasSentClose = true }
    try socket.send(Self.frame(opcode.rawValue, payload, isFinal: isFinal, mask: random.next()))
  }

  /// Several text frames in one packet.
  public func sendAtOnce(_ texts: [String]) throws {
    try socket.send(
      texts.flatMap { Self.frame(Opcode.text.rawValue, Array($0.utf8), isFinal: true, mask: random.next()) })
  }

  /// - Parameter mask: `nil` leaves the frame unmasked, which a client must not.
  public static func frame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, mask: UInt32?) -> [UInt8] {
    var bytes = [(isFinal ? 0x80 : 0) | opcode]
    let masked: UInt8 = mask == nil ? 0 : 0x80
    switch payload.count {
    case ...125: bytes.append(masked | UInt8(payload.count))
    case ...0xFFFF: bytes += [masked | 126] + bigEndian(UInt64(payload.count), bytes: 2)
    default: bytes += [masked | 127] + bigEndian(UInt64(payload.count), bytes: 8)
    }
    guard let mask else { return bytes + payload }
    let key = bigEndian(UInt64(mask), bytes: 4)
    bytes += key
    bytes.reserveCapacity(bytes.count + payload.count)
    for (index, byte) in payload.enumerated() { bytes.append(byte ^ key[index & 3]) }
    return bytes
  }

  private static func bigEndian(_ value: UInt64, bytes: Int) -> [UInt8] {
    (0..<bytes).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// Sends a close frame and reads on to the end. Returns the server's close code.
  @discardableResult
  public func close(code: Int = 1000, within time: Duration = .seconds(10)) throws -> Int? {
    try send(.close, Self.bigEndian(UInt64(code), bytes: 2))
    return try receiveClose(within: time)
  }

  /// Reads on to the end, whatever comes before. Returns the close code, `nil` if there was no close frame.
  public func receiveClose(within time: Duration = .seconds(10)) throws -> Int? {
    let deadline = ContinuousClock.now + time
    while true {
      switch try receive(until: deadline) {
      case .close(let code, _): return code
      case .end: return nil
      default: continue
      }
    }
  }

  /// The end of a client that vanished: no close frame.
  public func drop() { socket.close() }

  /// - Throws: when nothing came in time.
  public func receive(within time: Duration = .seconds(10)) throws -> WebSocketInput {
    try receive(until: .now + time)
  }

  /// The next text frame as JSON.
  public func receiveJSON(until deadline: ContinuousClock.Instant) throws -> JSONValue {
    while true {
      switch try receive(until: deadline) {
      case .text(let text): return try JSONValue(parsing: text)
      case .pong: continue
      case let other: throw TestSupportError("a text frame expected, not \(other)")
      }
    }
  }

  public func receiveJSON(within time: Duration = .seconds(10)) throws -> JSONValue {
    try receiveJSON(until: .now + time)
  }

  /// What comes before the deadline; ends early at the end of the connection.
  public func receive(until deadline: ContinuousClock.Instant) throws -> WebSocketInput {
    while true {
      if let (opcode, isFinal, payload) = try takeFrame() {
        if let input = try handle(opcode: opcode, isFinal: isFinal, payload: payload) { return input }
        continue
      }
      guard let bytes = try socket.receive(until: deadline) else { return .end }
      buffer += bytes
    }
  }

  /// Whether a frame is there, or comes before the deadline.
  public func hasInput(until deadline: ContinuousClock.Instant) -> Bool {
    !buffer.isEmpty || socket.waitForInput(until: deadline)
  }

  private func handle(opcode: UInt8, isFinal: Bool, payload: [UInt8]) throws -> WebSocketInput? {
    switch Opcode(rawValue: opcode) {
    case .ping:
      try send(.pong, payload)
      return nil
    case .pong: return .pong(payload)
    case .close:
      // RFC 6455, 5.5.1: a close frame is answered with one. The server may be gone already.
      if !hasSentClose { try? send(.close, Array(payload.prefix(2))) }
      return Self.closeInput(payload)
    case .text, .binary, .continuation:
      let whole = (fragments?.opcode ?? opcode, (fragments?.payload ?? []) + payload)
      guard isFinal else {
        fragments = whole
        return nil
      }
      fragments = nil
      return try Self.dataInput(opcode: whole.0, payload: whole.1)
    case nil: throw TestSupportError("unknown opcode \(opcode)")
    }
  }

  private static func dataInput(opcode: UInt8, payload: [UInt8]) throws -> WebSocketInput {
    guard opcode == Opcode.text.rawValue else { return .binary(payload) }
    guard let text = String(validating: payload, as: UTF8.self) else { throw TestSupportError("text is not UTF-8") }
    return .text(text)
  }

  private static func closeInput(_ payload: [UInt8]) -> WebSocketInput {
    guard payload.count >= 2 else { return .close(code: 1005, reason: "") }
    return .close(code: Int(payload[0]) << 8 | Int(payload[1]), reason: String(decoding: payload[2...], as: UTF8.self))
  }

  private func takeFrame() throws -> (opcode: UInt8, isFinal: Bool, payload: [UInt8])? {
    guard buffer.count >= 2 else { return nil }
    guard buffer[0] & 0x70 == 0 else { throw TestSupportError("reserved bits set") }
    guard buffer[1] & 0x80 == 0 else { throw TestSupportError("a server must not mask") }
    var length = Int(buffer[1] & 0x7F)
    var start = 2
    if length >= 126 {
      let width = length == 126 ? 2 : 8
      guard buffer.count >= 2 + width else { return nil }
      length = buffer[2..<(2 + width)].reduce(0) { $0 << 8 | Int($1) }
      start += width
    }
    guard buffer.count - start >= length else { return nil }
    let frame = (buffer[0] & 0x0F, buffer[0] & 0x80 != 0, Array(buffer[start..<(start + length)]))
    buffer.removeFirst(start + length)
    return frame
  }
}
