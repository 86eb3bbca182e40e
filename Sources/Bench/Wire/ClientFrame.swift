/// Writes frames as clients must: masked (RFC 6455, section 5.3).
enum ClientFrame {
  /// Appends a frame whose payload is all of `payload`.
  static func append(
    _ opcode: ServerFrame.Opcode, _ payload: [UInt8], mask: UInt32, to bytes: inout [UInt8]
  ) {
    bytes.append(0x80 | opcode.rawValue)
    switch payload.count {
    case ...125: bytes.append(0x80 | UInt8(payload.count))
    case ...0xFFFF:
      bytes.append(0x80 | 126)
      append(UInt64(payload.count), bytes: 2, to: &bytes)
    default:
      bytes.append(0x80 | 127)
      append(UInt64(payload.count), bytes: 8, to: &bytes)
    }
    append(UInt64(mask), bytes: 4, to: &bytes)
    for (index, byte) in payload.enumerated() {
      bytes.append(byte ^ UInt8(truncatingIfNeeded: mask >> (24 - 8 * UInt32(index & 3))))
    }
  }

  private static func append(_ value: UInt64, bytes count: Int, to bytes: inout [UInt8]) {
    for index in (0..<count).reversed() { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }
}
