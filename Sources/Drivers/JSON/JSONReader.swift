/// Reads JSON (RFC 8259) member by member from bytes, without a tree of values: for replies that are large, come often,
/// and whose shape is known. What is not asked for is skipped; skipped text is checked no further than to find its end.
public struct JSONReader {
  /// A member's name, of which at most 16 bytes are told apart.
  public struct Name: Equatable, Sendable {
    fileprivate let bytes: UInt128
    fileprivate let count: Int

    /// A name to compare with, of at most 16 bytes.
    public init(_ text: StaticString) {
      self.init(Array("\(text)".utf8))
    }

    fileprivate init(_ text: [UInt8]) { self.init(text.span, 0..<text.count) }

    @inline(__always)
    fileprivate init(_ text: Span<UInt8>, _ range: Range<Int>) {
      var bytes: UInt128 = 0
      if range.count <= 16 {
        for index in range { bytes = bytes << 8 | UInt128(text[index]) }
      }
      self.bytes = bytes
      count = range.count
    }
  }

  private let bytes: [UInt8]
  private var index = 0
  private var depth = 0

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// What is read next is an object, an array, a string …: its first byte; 0 at the end.
  private var first: UInt8 {
    mutating get {
      skipSpace()
      return index < bytes.count ? bytes[index] : 0
    }
  }

  /// Whether an object comes next.
  public var isObject: Bool { mutating get { first == UInt8(ascii: "{") } }

  /// Passes over `null`, if it comes next.
  public mutating func skipNull() throws(JSONError) -> Bool {
    guard first == UInt8(ascii: "n") else { return false }
    _ = try parsed()
    return true
  }

  /// Reads an object: `member` is called for each of its members and reads, or skips, exactly the value.
  public mutating func object(_ member: (Name, inout JSONReader) throws -> Void) throws {
    try enter(UInt8(ascii: "{"), "'{' expected")
    defer { depth -= 1 }
    if take(UInt8(ascii: "}")) { return }
    repeat {
      let name = try name()
      guard take(UInt8(ascii: ":")) else { throw error("':' expected") }
      try member(name, &self)
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw error("',' or '}' expected") }
  }

  /// Reads an array: `element` is called for each of its elements and reads, or skips, exactly it.
  public mutating func array(_ element: (inout JSONReader) throws -> Void) throws {
    try enter(UInt8(ascii: "["), "'[' expected")
    defer { depth -= 1 }
    if take(UInt8(ascii: "]")) { return }
    repeat { try element(&self) } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw error("',' or ']' expected") }
  }

  /// - Throws: `JSONError` where it is no string.
  public mutating func string() throws(JSONError) -> String {
    guard take(UInt8(ascii: "\"")) else { throw error("a string expected") }
    let start = index
    let end = JSONBytes.firstSpecial(in: bytes.span, from: start)
    guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else {
      index = start - 1
      return try parse { (parser) throws(JSONError) in try parser.parseString() }
    }
    index = end + 1
    guard let text = String(validating: bytes[start..<end], as: UTF8.self) else { throw error("not UTF-8") }
    return text
  }

  /// - Throws: `JSONError` where it is no integer of 64 bits.
  public mutating func integer() throws(JSONError) -> Int64 {
    skipSpace()
    let start = index
    let isNegative = index < bytes.count && bytes[index] == UInt8(ascii: "-")
    if isNegative { index += 1 }
    var value: Int64 = 0
    var digits = 0
    while index < bytes.count, case let digit = bytes[index] &- UInt8(ascii: "0"), digit < 10 {
      value = value &* 10 &+ Int64(digit)
      index += 1
      digits += 1
    }
    let isWhole = index == bytes.count || bytes[index] != UInt8(ascii: ".") && bytes[index] | 0x20 != UInt8(ascii: "e")
    // Up to 18 digits cannot overflow; what is longer, or written as `3e2`, is rare.
    if digits > 0, digits <= 18, isWhole { return isNegative ? -value : value }
    index = start
    guard let integer = try parsed().integer else { throw error("an integer expected") }
    return integer
  }

  /// - Throws: `JSONError` where it is no number.
  public mutating func number() throws(JSONError) -> Double {
    guard let number = try parsed().number else { throw error("a number expected") }
    return number
  }

  /// - Throws: `JSONError` where it is neither true nor false.
  public mutating func boolean() throws(JSONError) -> Bool {
    guard let flag = try parsed().boolean else { throw error("true or false expected") }
    return flag
  }

  /// Any value, as a tree.
  public mutating func value() throws(JSONError) -> JSONValue { try parsed() }

  /// Any value, as it is written.
  public mutating func raw() throws(JSONError) -> String {
    skipSpace()
    let start = index
    try skip()
    guard let text = String(validating: bytes[start..<index], as: UTF8.self) else { throw error("not UTF-8") }
    return text
  }

  /// Passes over any value.
  public mutating func skip() throws(JSONError) {
    switch first {
    case UInt8(ascii: "\""): try skipString()
    case UInt8(ascii: "{"), UInt8(ascii: "["): try skipNested()
    default: _ = try parsed()
    }
  }
}

extension JSONReader {
  fileprivate mutating func parsed() throws(JSONError) -> JSONValue {
    skipSpace()
    let depth = depth
    return try parse { (parser) throws(JSONError) in try parser.parseValue(depth: depth) }
  }

  /// Has the parser of whole documents read on from here.
  private mutating func parse<Value>(
    _ body: (inout JSONParser) throws(JSONError) -> Value
  ) throws(JSONError) -> Value {
    var parser = JSONParser(bytes, at: index)
    let value = try body(&parser)
    index = parser.index
    return value
  }

  private mutating func name() throws(JSONError) -> Name {
    guard first == UInt8(ascii: "\"") else { throw error("a name in quotes expected") }
    let start = index + 1
    let end = JSONBytes.firstSpecial(in: bytes.span, from: start)
    guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else {
      let name = try parse { (parser) throws(JSONError) in try parser.parseString() }
      return Name(Array(name.utf8))
    }
    index = end + 1
    return Name(bytes.span, start..<end)
  }

  private mutating func skipString() throws(JSONError) {
    index += 1
    while true {
      index = JSONBytes.firstSpecial(in: bytes.span, from: index)
      guard index < bytes.count else { throw error("string without an end") }
      defer { index += 1 }
      switch bytes[index] {
      case UInt8(ascii: "\""): return
      case UInt8(ascii: "\\"): index += 1
      default: throw error("control character in a string")
      }
    }
  }

  private mutating func skipNested() throws(JSONError) {
    var open = 0
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\""):
        try skipString()
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): open += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"): open -= 1
      default: break
      }
      index += 1
      if open == 0 { return }
    }
    throw error("value without an end")
  }

  private mutating func enter(_ bracket: UInt8, _ reason: String) throws(JSONError) {
    guard take(bracket) else { throw error(reason) }
    depth += 1
    guard depth <= JSONParser.maximumDepth else { throw error("nested too deeply") }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard first == byte else { return false }
    index += 1
    return true
  }

  private mutating func skipSpace() {
    while index < bytes.count, bytes[index] <= 0x20 {
      guard [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) else { return }
      index += 1
    }
  }

  private func error(_ reason: String) -> JSONError { JSONError(reason: reason, offset: index) }
}
