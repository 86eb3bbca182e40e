/// SQL in the making, with its values quoted into it: for requests of many statements, where placeholders would cost a
/// packet each.
///
/// Right for the sessions that `MySQLConnection` makes: utf8mb4, backslash escapes on.
public struct MySQLText: Sendable {
  public private(set) var bytes: [UInt8] = []

  public init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

  public init(_ sql: String) { bytes = Array(sql.utf8) }

  public var isEmpty: Bool { bytes.isEmpty }

  /// SQL as it stands.
  public mutating func append(_ sql: StaticString) {
    unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: sql.utf8Start, count: sql.utf8CodeUnitCount))
  }

  /// As above, for SQL that is put together by the program. Never for values from outside.
  public mutating func append(trusted sql: String) { bytes.append(contentsOf: sql.utf8) }

  public mutating func append(_ integer: Int64) {
    var rest = integer.magnitude
    if integer < 0 { bytes.append(UInt8(ascii: "-")) }
    let start = bytes.count
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest != 0
    bytes[start...].reverse()
  }

  public mutating func append(_ integer: Int64?) {
    if let integer { append(integer) } else { append("NULL") }
  }

  /// A text as a quoted literal.
  public mutating func append(quoted text: String) {
    var text = text
    bytes.append(UInt8(ascii: "'"))
    text.withUTF8 { utf8 in
      if unsafe utf8.contains(where: Self.needsEscape) {
        for index in 0..<utf8.count { appendEscaped(unsafe utf8[index]) }
      } else {
        unsafe bytes.append(contentsOf: utf8)
      }
    }
    bytes.append(UInt8(ascii: "'"))
  }

  /// As above, for bytes of UTF-8.
  public mutating func append(quoted utf8: [UInt8]) {
    bytes.append(UInt8(ascii: "'"))
    for byte in utf8 { appendEscaped(byte) }
    bytes.append(UInt8(ascii: "'"))
  }

  public mutating func append(quoted text: String?) {
    if let text { append(quoted: text) } else { append("NULL") }
  }

  /// `1, 2, 3`, each as `element` writes it.
  public mutating func append<Elements: Sequence>(
    list elements: Elements, _ element: (inout MySQLText, Elements.Element) -> Void
  ) {
    var isFirst = true
    for each in elements {
      if !isFirst { append(", ") }
      isFirst = false
      element(&self, each)
    }
  }

  /// What `mysql_real_escape_string` escapes. Bytes of a longer UTF-8 sequence are never one of these.
  @inline(__always)
  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte == 0x27 || byte == 0x5C || byte == 0x22 || byte == 0 || byte == 0x0A || byte == 0x0D || byte == 0x1A
  }

  private mutating func appendEscaped(_ byte: UInt8) {
    if Self.needsEscape(byte) { bytes.append(UInt8(ascii: "\\")) }
    switch byte {
    case 0: bytes.append(UInt8(ascii: "0"))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case 0x1A: bytes.append(UInt8(ascii: "Z"))
    default: bytes.append(byte)
    }
  }
}
