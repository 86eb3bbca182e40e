/// One or more whole WebSocket frames of the server's (RFC 6455, section 5.2: final, unmasked), ready to be written.
///
/// Rendered once and shared by every connection that they go to.
public final class WebSocketFrame: Sendable {
  public enum Opcode: UInt8, Sendable {
    case text = 0x1
    case close = 0x8
    case ping = 0x9
    case pong = 0xA
  }

  public let bytes: [UInt8]
  public let count: Int

  /// Frames that go to the same connections one after the other, as one piece: what is done for each connection is then
  /// done once for all of them.
  public init(joining frames: [WebSocketFrame]) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(frames.reduce(0) { $0 + $1.bytes.count })
    for frame in frames { bytes.append(contentsOf: frame.bytes) }
    self.bytes = bytes
    count = frames.reduce(0) { $0 + $1.count }
  }

  public init(_ opcode: Opcode = .text, payload: [UInt8]) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(payload.count + 10)
    bytes.append(0x80 | opcode.rawValue)
    switch payload.count {
    case ...125: bytes.append(UInt8(payload.count))
    case ...0xFFFF:
      bytes.append(126)
      Self.append(UInt64(payload.count), count: 2, to: &bytes)
    default:
      bytes.append(127)
      Self.append(UInt64(payload.count), count: 8, to: &bytes)
    }
    bytes.append(contentsOf: payload)
    self.bytes = bytes
    count = 1
  }

  private static func append(_ value: UInt64, count: Int, to bytes: inout [UInt8]) {
    for index in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }
}
