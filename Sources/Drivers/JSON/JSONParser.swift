/// A strict parser of RFC 8259 over bytes, with a bound on nesting so that no input can exhaust the stack.
struct JSONParser {
  /// Arrays and objects within each other.
  static let maximumDepth = 128

  /// Members that an object has room for at once: most frames have no more.
  private static let usualMembers = 4

  private let bytes: [UInt8]
  /// The byte that is read next.
  private(set) var index: Int

  init(_ bytes: [UInt8], at index: Int = 0) {
    self.bytes = bytes
    self.index = index
  }

  mutating func parseDocument() throws(JSONError) -> JSONValue {
    let value = try parseValue(depth: 0)
    skipSpace()
    guard index == bytes.count else { throw error("text after the value") }
    return value
  }

  private func error(_ reason: String) -> JSONError { JSONError(reason: reason, offset: index) }

  private mutating func skipSpace() {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x09, 0x0A, 0x0D: index += 1
      default: return
      }
    }
  }

  mutating func parseValue(depth: Int) throws(JSONError) -> JSONValue {
    guard depth <= Self.maximumDepth else { throw error("nested too deeply") }
    skipSpace()
    guard index < bytes.count else { throw error("value missing") }
    switch bytes[index] {
    case UInt8(ascii: "{"): return .object(try parseObject(depth: depth))
    case UInt8(ascii: "["): return .array(try parseArray(depth: depth))
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parse(literal: "true", as: .boolean(true))
    case UInt8(ascii: "f"): return try parse(literal: "false", as: .boolean(false))
    case UInt8(ascii: "n"): return try parse(literal: "null", as: .null)
    default: return try parseNumber()
    }
  }

  private mutating func parse(literal: String, as value: JSONValue) throws(JSONError) -> JSONValue {
    guard bytes[index...].starts(with: literal.utf8) else { throw error("unknown word") }
    index += literal.utf8.count
    return value
  }

  private mutating func parseArray(depth: Int) throws(JSONError) -> [JSONValue] {
    index += 1
    var values: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return values }
    while true {
      values.append(try parseValue(depth: depth + 1))
      skipSpace()
      if take(UInt8(ascii: "]")) { return values }
      guard take(UInt8(ascii: ",")) else { throw error("',' or ']' expected") }
    }
  }

  private mutating func parseObject(depth: Int) throws(JSONError) -> JSONObject {
    index += 1
    var object = JSONObject()
    skipSpace()
    if take(UInt8(ascii: "}")) { return object }
    object.members.reserveCapacity(Self.usualMembers)
    while true {
      skipSpace()
      guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { throw error("a name in quotes expected") }
      let name = try parseString()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw error("':' expected") }
      object.members.append((name, try parseValue(depth: depth + 1)))
      skipSpace()
      if take(UInt8(ascii: "}")) { return object }
      guard take(UInt8(ascii: ",")) else { throw error("',' or '}' expected") }
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  private mutating func parseNumber() throws(JSONError) -> JSONValue {
    let start = index
    _ = take(UInt8(ascii: "-"))
    guard index < bytes.count, isDigit(bytes[index]) else { throw error("value expected") }
    if !take(UInt8(ascii: "0")) { skipDigits() }
    var isInteger = true
    if take(UInt8(ascii: ".")) {
      isInteger = false
      guard index < bytes.count, isDigit(bytes[index]) else { throw error("digit expected") }
      skipDigits()
    }
    if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      index += 1
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard index < bytes.count, isDigit(bytes[index]) else { throw error("digit expected") }
      skipDigits()
    }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if isInteger, let integer = Int64(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else {
      index = start
      throw error("number out of range")
    }
    return "\(number)" == text ? .number(number) : .numeral(text)
  }

  private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  private mutating func skipDigits() {
    while index < bytes.count, isDigit(bytes[index]) { index += 1 }
  }

  mutating func parseString() throws(JSONError) -> String {
    index += 1
    let start = index
    index = JSONBytes.firstSpecial(in: bytes.span, from: start)
    guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { return try parseEscapedString(from: start) }
    defer { index += 1 }
    return try decode(bytes[start..<index])
  }

  private func decode(_ slice: ArraySlice<UInt8>) throws(JSONError) -> String {
    guard let text = String(validating: slice, as: UTF8.self) else { throw error("not UTF-8") }
    return text
  }

  private mutating func parseEscapedString(from start: Int) throws(JSONError) -> String {
    var decoded: [UInt8] = []
    index = start
    while true {
      let end = JSONBytes.firstSpecial(in: bytes.span, from: index)
      guard end < bytes.count else { throw error("string without an end") }
      decoded += bytes[index..<end]
      index = end + 1
      switch bytes[end] {
      case UInt8(ascii: "\""): return try decode(decoded[...])
      case UInt8(ascii: "\\"): try parseEscape(into: &decoded)
      default:
        index = end
        throw error("control character in a string")
      }
    }
  }

  private mutating func parseEscape(into decoded: inout [UInt8]) throws(JSONError) {
    guard index < bytes.count else { throw error("string without an end") }
    let byte = bytes[index]
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(byte)
    case UInt8(ascii: "b"): decoded.append(0x08)
    case UInt8(ascii: "f"): decoded.append(0x0C)
    case UInt8(ascii: "n"): decoded.append(0x0A)
    case UInt8(ascii: "r"): decoded.append(0x0D)
    case UInt8(ascii: "t"): decoded.append(0x09)
    case UInt8(ascii: "u"): decoded.append(contentsOf: String(Character(try parseUnicodeEscape())).utf8)
    default: throw error("unknown escape")
    }
  }

  /// Browsers write a lone surrogate for half an emoji; it has no UTF-8 form and becomes U+FFFD.
  private mutating func parseUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
    let unit = try parseHexadecimal()
    if let scalar = Unicode.Scalar(unit) { return scalar }
    guard unit < 0xDC00, bytes[index...].starts(with: "\\u".utf8) else { return "\u{FFFD}" }
    let resume = index
    index += 2
    let low = try parseHexadecimal()
    guard (0xDC00...0xDFFF).contains(low) else {
      index = resume
      return "\u{FFFD}"
    }
    return Unicode.Scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)) ?? "\u{FFFD}"
  }

  private mutating func parseHexadecimal() throws(JSONError) -> UInt32 {
    guard bytes.count - index >= 4 else { throw error("four hexadecimal digits expected") }
    var unit: UInt32 = 0
    for byte in bytes[index..<index + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw error("four hexadecimal digits expected")
      }
      unit = unit << 4 | UInt32(digit)
    }
    index += 4
    return unit
  }
}
