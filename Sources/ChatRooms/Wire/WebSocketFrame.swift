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
    Self.appendHeader(opcode, payload.count, to: &bytes)
    bytes.append(contentsOf: payload)
    self.bytes = bytes
    count = 1
  }

  init(_ run: Run) {
    bytes = run.bytes
    count = run.count
  }

  private static func appendHeader(_ opcode: Opcode, _ payloadCount: Int, to bytes: inout [UInt8]) {
    bytes.append(0x80 | opcode.rawValue)
    switch payloadCount {
    case ...125: bytes.append(UInt8(payloadCount))
    case ...0xFFFF:
      bytes.append(126)
      append(UInt64(payloadCount), count: 2, to: &bytes)
    default:
      bytes.append(127)
      append(UInt64(payloadCount), count: 8, to: &bytes)
    }
  }

  private static func append(_ value: UInt64, count: Int, to bytes: inout [UInt8]) {
    for index in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }
}

extension WebSocketFrame {
  /// Frames that are put together one behind the other, to go out as one piece.
  public struct Run {
    fileprivate var bytes: [UInt8] = []
    public private(set) var count = 0
    public var byteCount: Int { bytes.count }

    /// - Parameter capacity: bytes to reserve.
    public init(capacity: Int) { bytes.reserveCapacity(capacity) }

    /// All of them; `nil` if there is none.
    public var frame: WebSocketFrame? { count > 0 ? WebSocketFrame(self) : nil }

    public mutating func append(_ frame: WebSocketFrame) {
      bytes.append(contentsOf: frame.bytes)
      count += frame.count
    }

    /// Appends a text frame whose payload comes in two parts.
    public mutating func append(_ head: StaticString, _ rest: ArraySlice<UInt8>) {
      WebSocketFrame.appendHeader(.text, head.utf8CodeUnitCount + rest.count, to: &bytes)
      unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: head.utf8Start, count: head.utf8CodeUnitCount))
      bytes.append(contentsOf: rest)
      count += 1
    }
  }
}
