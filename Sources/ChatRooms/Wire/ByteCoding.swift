/// Appends integers and strings to bytes that servers of one installation exchange.
///
/// Integers are LEB128 (https://en.wikipedia.org/wiki/LEB128), signed ones zigzag; a string is its length in UTF-8
/// bytes and these.
public struct ByteWriter {
  public private(set) var bytes: [UInt8] = []

  /// - Parameter capacity: bytes to reserve.
  public init(capacity: Int) { bytes.reserveCapacity(capacity) }

  public mutating func byte(_ byte: UInt8) { bytes.append(byte) }

  public mutating func unsigned(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  public mutating func signed(_ value: Int64) { unsigned(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }

  /// Eight bytes, the lowest first.
  public mutating func fixed(_ value: UInt64) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  }

  public mutating func string(_ text: String) {
    unsigned(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }
}

/// Reads what `ByteWriter` wrote. Throws rather than trapping on anything else.
public struct ByteReader {
  public struct Malformed: Error {
    public init() {}
  }

  private let bytes: [UInt8]
  private var index = 0

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  public var isAtEnd: Bool { index == bytes.count }
  public var remaining: Int { bytes.count - index }

  public mutating func byte() throws(Malformed) -> UInt8 {
    guard index < bytes.count else { throw Malformed() }
    defer { index += 1 }
    return bytes[index]
  }

  public mutating func unsigned() throws(Malformed) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let byte = try byte()
      let bits = UInt64(byte & 0x7F)
      guard shift < 63 || bits <= 1 else { throw Malformed() }
      value |= bits << shift
      if byte < 0x80 { return value }
      shift += 7
      guard shift < 64 else { throw Malformed() }
    }
  }

  public mutating func signed() throws(Malformed) -> Int64 {
    let value = try unsigned()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  public mutating func fixed() throws(Malformed) -> UInt64 {
    guard remaining >= 8 else { throw Malformed() }
    defer { index += 8 }
    return (0..<8).reduce(0) { $0 | UInt64(bytes[index + $1]) << UInt64($1 * 8) }
  }

  public mutating func string() throws(Malformed) -> String {
    let count = try unsigned()
    guard count <= UInt64(remaining) else { throw Malformed() }
    let end = index + Int(count)
    guard let text = String(validating: bytes[index..<end], as: UTF8.self) else { throw Malformed() }
    index = end
    return text
  }
}
