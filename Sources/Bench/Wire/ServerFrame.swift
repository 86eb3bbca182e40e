/// A whole frame of a server's (RFC 6455, section 5.2) in a buffer: unmasked, in one piece.
struct ServerFrame: Equatable {
  enum Opcode: UInt8 {
    case text = 0x1
    case close = 0x8
    case ping = 0x9
    case pong = 0xA
  }

  var opcode: Opcode
  var payload: Range<Int>

  /// The first frame from `start` on; `nil` where it is not whole yet.
  ///
  /// - Throws: `malformed` where no frame of Palaver's begins: it sends no fragments and no binary frames.
  static func next(in bytes: Span<UInt8>, from start: Int) throws(Breach) -> ServerFrame? {
    guard bytes.count - start >= 2 else { return nil }
    guard bytes[start] & 0xF0 == 0x80, let opcode = Opcode(rawValue: bytes[start] & 0x0F), bytes[start + 1] < 0x80
    else { throw Breach(.malformed, "no frame begins with bytes \(bytes[start]), \(bytes[start + 1])") }
    let short = Int(bytes[start + 1])
    let lengthBytes = short < 126 ? 0 : short == 126 ? 2 : 8
    let first = start + 2 + lengthBytes
    guard bytes.count >= first else { return nil }
    var length = UInt64(short)
    if lengthBytes > 0 {
      length = 0
      for index in start + 2..<first { length = length << 8 | UInt64(bytes[index]) }
    }
    guard length < 1 << 30 else { throw Breach(.malformed, "a frame of \(length) bytes") }
    let end = first + Int(length)
    return bytes.count >= end ? ServerFrame(opcode: opcode, payload: first..<end) : nil
  }
}
