/// Appends JSON (RFC 8259) to a byte buffer, without intermediate values.
///
/// Commas are placed by the writer; the caller balances `begin…`/`end…`. Strings are written as UTF-8; only what the
/// grammar demands is escaped, so the output is as short as JSON can be.
public struct JSONWriter: Sendable {
  public private(set) var bytes: [UInt8]
  private var needsComma = false

  /// - Parameter capacity: bytes to reserve.
  public init(capacity: Int = 256) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Forgets what was written and keeps the storage.
  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    needsComma = false
  }

  public mutating func beginObject() { open(UInt8(ascii: "{")) }
  public mutating func endObject() { close(UInt8(ascii: "}")) }
  public mutating func beginArray() { open(UInt8(ascii: "[")) }
  public mutating func endArray() { close(UInt8(ascii: "]")) }

  public mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
    beginObject()
    try body(&self)
    endObject()
  }

  public mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
    beginArray()
    try body(&self)
    endArray()
  }

  /// A member's name; its value must follow.
  public mutating func key(_ name: String) {
    value(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  public mutating func value(_ string: String) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    escaped(string)
    bytes.append(UInt8(ascii: "\""))
    needsComma = true
  }

  public mutating func value(_ integer: Int64) {
    separate()
    digits(integer)
    needsComma = true
  }

  public mutating func value(_ integer: Int) { value(Int64(integer)) }

  /// A number that JSON cannot express (infinite or not a number) is written as `null`.
  public mutating func value(_ number: Double) {
    separate()
    bytes.append(contentsOf: (number.isFinite ? "\(number)" : "null").utf8)
    needsComma = true
  }

  public mutating func value(_ flag: Bool) {
    separate()
    bytes.append(contentsOf: (flag ? "true" : "false").utf8)
    needsComma = true
  }

  public mutating func null() {
    separate()
    bytes.append(contentsOf: "null".utf8)
    needsComma = true
  }

  /// Text that is JSON already.
  public mutating func raw(_ json: String) {
    separate()
    bytes.append(contentsOf: json.utf8)
    needsComma = true
  }

  /// Bytes that are JSON already: a value, or whole members.
  public mutating func raw(_ json: some Collection<UInt8>) {
    separate()
    bytes.append(contentsOf: json)
    needsComma = true
  }

  /// A piece of JSON as it stands, for documents that are written by the million: no comma is placed before it, and
  /// none is due behind it.
  public mutating func literal(_ piece: StaticString) {
    unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: piece.utf8Start, count: piece.utf8CodeUnitCount))
    needsComma = false
  }

  /// A line break between documents, as `application/x-ndjson` and Elasticsearch's `_bulk` want it.
  public mutating func newline() {
    bytes.append(UInt8(ascii: "\n"))
    needsComma = false
  }

  public mutating func member(_ name: String, _ string: String) {
    key(name)
    value(string)
  }

  public mutating func member(_ name: String, _ integer: Int64) {
    key(name)
    value(integer)
  }

  public mutating func member(_ name: String, _ integer: Int) {
    key(name)
    value(Int64(integer))
  }

  public mutating func member(_ name: String, _ flag: Bool) {
    key(name)
    value(flag)
  }

  /// Writes nothing where there is no value.
  public mutating func member(_ name: String, ifPresent string: String?) {
    if let string { member(name, string) }
  }

  /// Writes nothing where there is no value.
  public mutating func member(_ name: String, ifPresent integer: Int64?) {
    if let integer { member(name, integer) }
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
  }

  /// Decimal digits without a comma before them: a part of a string that the caller writes piece by piece.
  public mutating func digits(_ integer: Int64) {
    // The longest is "-9223372036854775808".
    var digits = InlineArray<20, UInt8>(repeating: UInt8(ascii: "-"))
    var first = digits.count
    var magnitude = integer.magnitude
    repeat {
      let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
      first -= 1
      digits[first] = UInt8(ascii: "0") | UInt8(truncatingIfNeeded: digit)
      magnitude = quotient
    } while magnitude > 0
    if integer < 0 { first -= 1 }
    bytes.append(addingCapacity: digits.count - first) { output in
      for index in first..<digits.count { output.append(digits[index]) }
    }
  }

  /// A string's inside, escaped, without quotes: a part of a string that the caller writes piece by piece. What stands
  /// between two characters that need escaping is copied at once.
  public mutating func escaped(_ string: String) {
    let text = string.utf8.span
    var start = 0
    while start < text.count {
      let end = JSONBytes.firstSpecial(in: text, from: start)
      append(text.extracting(start..<end))
      guard end < text.count else { return }
      appendEscape(text[end])
      start = end + 1
    }
  }

  private mutating func append(_ text: Span<UInt8>) {
    unsafe text.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
  }

  private mutating func appendEscape(_ byte: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    default:
      bytes.append(contentsOf: byte < 0x10 ? "u000".utf8 : "u001".utf8)
      bytes.append(contentsOf: String(byte & 15, radix: 16).utf8)
    }
  }
}
