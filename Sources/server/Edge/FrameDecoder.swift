/// A message or control frame that a client sent.
enum IncomingFrame: Equatable {
  /// A whole text message, its fragments joined, checked to be UTF-8.
  case text(String)
  case ping([UInt8])
  case pong
  /// `nil` where the client gave no code.
  case close(UInt16?)
}

/// A client broke RFC 6455 or a bound; the connection is to be closed with `code`.
struct FrameViolation: Error, Equatable {
  var code: CloseCode
  var reason: String
}

/// Parses the frames of a client (RFC 6455, section 5), which may arrive in pieces of any size.
///
/// Written for this server because wslay keeps 4 kB (frame interface) to 9 kB (event interface) for each connection,
/// more than all that an idle connection may cost; this one keeps nothing between frames.
struct FrameDecoder {
  /// Bytes of one message, all fragments together.
  static let maximumMessage = 128 << 10
  /// Bytes of a control frame (RFC 6455, section 5.5).
  static let maximumControl = 125

  private enum Opcode: UInt8 {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    var isControl: Bool { rawValue >= 0x8 }
  }

  private struct Header {
    var isFinal: Bool
    var opcode: Opcode
    var length: Int
    var mask: UInt32
    /// Bytes of the header itself.
    var size: Int
  }

  /// The bytes of a header that is not complete.
  private var partialHeader: [UInt8] = []
  private var header: Header?
  /// The unmasked payload of the present frame, as far as it has come.
  private var payload: [UInt8] = []
  /// The fragments of a message before the present frame; `nil` outside of a fragmented message.
  private var fragments: [UInt8]?

  init() {}

  /// Takes bytes of `input` from `offset` on, up to the end of the next message or control frame.
  ///
  /// - Returns: `nil` once the input is used up.
  mutating func next(in input: ArraySlice<UInt8>, from offset: inout Int) throws(FrameViolation) -> IncomingFrame? {
    while true {
      if header == nil { header = try readHeader(input, &offset) }
      guard let present = header else { return nil }
      takePayload(present, input, &offset)
      guard payload.count == present.length else { return nil }
      header = nil
      var complete: [UInt8] = []
      swap(&complete, &payload)
      if let frame = try finish(present, complete) { return frame }
    }
  }

  private mutating func readHeader(_ input: ArraySlice<UInt8>, _ offset: inout Int) throws(FrameViolation) -> Header? {
    if partialHeader.isEmpty, let header = try wholeHeader(input[offset...]) {
      offset += header.size
      return header
    }
    while offset < input.endIndex {
      partialHeader.append(input[offset])
      offset += 1
      if let header = try wholeHeader(partialHeader[...]) {
        partialHeader = []
        return header
      }
    }
    return nil
  }

  /// The header that bytes begin with; `nil` if it is not whole.
  private func wholeHeader(_ bytes: ArraySlice<UInt8>) throws(FrameViolation) -> Header? {
    guard bytes.count >= 2 else { return nil }
    let start = bytes.startIndex
    try checkStart(bytes[start], bytes[start + 1])
    let size = Self.headerLength(bytes[start + 1])
    guard bytes.count >= size else { return nil }
    return try parsed(bytes[start..<start + size])
  }

  /// Two bytes, none, two or eight of length, four of mask.
  private static func headerLength(_ second: UInt8) -> Int {
    switch second & 0x7F {
    case 126: 8
    case 127: 14
    default: 6
    }
  }

  private func checkStart(_ first: UInt8, _ second: UInt8) throws(FrameViolation) {
    guard first & 0x70 == 0 else { throw violation("reserved bits are set") }
    guard second & 0x80 != 0 else { throw violation("a client's frame must be masked") }
    guard let opcode = Opcode(rawValue: first & 0x0F) else { throw violation("unknown opcode") }
    if opcode.isControl {
      guard first & 0x80 != 0 else { throw violation("a fragmented control frame") }
      guard second & 0x7F <= Self.maximumControl else { throw violation("a control frame over 125 bytes") }
    }
    if opcode == .binary { throw FrameViolation(code: .unsupported, reason: "binary frames are not taken") }
    if opcode == .text, fragments != nil { throw violation("a new message within a fragmented one") }
    if opcode == .continuation, fragments == nil { throw violation("nothing to continue") }
  }

  private func parsed(_ bytes: ArraySlice<UInt8>) throws(FrameViolation) -> Header {
    let start = bytes.startIndex
    let short = bytes[start + 1] & 0x7F
    let extended = bytes[start + 2..<bytes.endIndex - 4].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let length = short < 126 ? UInt64(short) : extended
    if short == 126, length < 126 { throw violation("length not in its shortest form") }
    if short == 127, length <= 0xFFFF || length >> 63 != 0 { throw violation("length not in its shortest form") }
    guard length <= UInt64(Self.maximumMessage - (fragments?.count ?? 0)) else {
      throw FrameViolation(code: .tooBig, reason: "a message may have 128 KiB")
    }
    let mask = bytes.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard let opcode = Opcode(rawValue: bytes[start] & 0x0F) else { throw violation("unknown opcode") }
    return Header(
      isFinal: bytes[start] & 0x80 != 0, opcode: opcode, length: Int(length), mask: mask, size: bytes.count)
  }

  private mutating func takePayload(_ header: Header, _ input: ArraySlice<UInt8>, _ offset: inout Int) {
    let count = min(header.length - payload.count, input.endIndex - offset)
    guard count > 0 else { return }
    // A header alone reserves nothing: a client pays for memory with the bytes that it sends.
    var position = payload.count
    payload.append(contentsOf: input[offset..<offset + count])
    offset += count
    guard header.mask != 0 else { return }
    while position < payload.count {
      payload[position] ^= UInt8(truncatingIfNeeded: header.mask >> UInt32(24 - 8 * (position & 3)))
      position += 1
    }
  }

  private mutating func finish(_ header: Header, _ payload: [UInt8]) throws(FrameViolation) -> IncomingFrame? {
    switch header.opcode {
    case .ping: return .ping(payload)
    case .pong: return .pong
    case .close: return .close(try closeCode(payload))
    case .text, .continuation, .binary:
      let message = fragments.map { $0 + payload } ?? payload
      fragments = header.isFinal ? nil : message
      guard header.isFinal else { return nil }
      guard let text = String(validating: message, as: UTF8.self) else {
        throw FrameViolation(code: .notUTF8, reason: "text must be UTF-8")
      }
      return .text(text)
    }
  }

  private func closeCode(_ payload: [UInt8]) throws(FrameViolation) -> UInt16? {
    if payload.isEmpty { return nil }
    guard payload.count >= 2 else { throw violation("half a close code") }
    let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
    guard CloseCode.isAllowedOnWire(code) else { throw violation("no valid close code") }
    guard String(validating: payload[2...], as: UTF8.self) != nil else {
      throw FrameViolation(code: .notUTF8, reason: "a close reason must be UTF-8")
    }
    return code
  }

  private func violation(_ reason: String) -> FrameViolation { FrameViolation(code: .protocolError, reason: reason) }
}
