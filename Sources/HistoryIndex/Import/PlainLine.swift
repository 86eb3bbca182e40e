import ChatRooms

/// The usual line, read in one pass without a tree: an object of `room`, `user`, `timestamp` and `text` alone, each
/// once, with the common escapes. `nil` for every other line, good or bad: the whole parser then looks at it.
struct PlainLine {
  private(set) var room = ""
  private(set) var user = ""
  private(set) var timestamp: Milliseconds = 0
  private(set) var text = ""

  private let bytes: ArraySlice<UInt8>
  private var index: Int

  private enum Name: UInt8 {
    case room = 1
    case user = 2
    case timestamp = 4
    case text = 8
  }

  init?(_ line: ArraySlice<UInt8>) {
    bytes = line
    index = line.startIndex
    guard take(UInt8(ascii: "{")) else { return nil }
    var seen: UInt8 = 0
    repeat {
      guard let name = name(), seen & name.rawValue == 0, take(UInt8(ascii: ":")), value(of: name) else { return nil }
      seen |= name.rawValue
    } while take(UInt8(ascii: ","))
    guard seen == 15, take(UInt8(ascii: "}")), index == bytes.endIndex else { return nil }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard index < bytes.endIndex, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  private mutating func name() -> Name? {
    if take("\"room\"".utf8) { return .room }
    if take("\"user\"".utf8) { return .user }
    if take("\"text\"".utf8) { return .text }
    return take("\"timestamp\"".utf8) ? .timestamp : nil
  }

  private mutating func take(_ expected: String.UTF8View) -> Bool {
    guard bytes[index...].starts(with: expected) else { return false }
    index += expected.count
    return true
  }

  private mutating func value(of name: Name) -> Bool {
    if name == .timestamp { return number() }
    guard let string = string() else { return false }
    switch name {
    case .room: room = string
    case .user: user = string
    default: text = string
    }
    return true
  }

  /// Up to 15 digits: times of these years, and never an overflow.
  private mutating func number() -> Bool {
    let start = index
    while index < bytes.endIndex, index - start < 16, bytes[index] &- UInt8(ascii: "0") < 10 {
      timestamp = timestamp * 10 + Milliseconds(bytes[index] &- UInt8(ascii: "0"))
      index += 1
    }
    let count = index - start
    return (1...15).contains(count) && (count == 1 || bytes[start] != UInt8(ascii: "0"))
  }

  private mutating func string() -> String? {
    guard take(UInt8(ascii: "\"")) else { return nil }
    let start = index
    while index < bytes.endIndex {
      switch bytes[index] {
      case UInt8(ascii: "\""):
        index += 1
        return String(validating: bytes[start..<index - 1], as: UTF8.self)
      case UInt8(ascii: "\\"): return escapedString(from: start)
      case 0..<0x20: return nil
      default: index += 1
      }
    }
    return nil
  }

  private mutating func escapedString(from start: Int) -> String? {
    var decoded = Array(bytes[start..<index])
    while index < bytes.endIndex {
      let byte = bytes[index]
      index += 1
      switch byte {
      case UInt8(ascii: "\""): return String(validating: decoded, as: UTF8.self)
      case 0..<0x20: return nil
      case UInt8(ascii: "\\"):
        guard let plain = escape() else { return nil }
        decoded.append(plain)
      default: decoded.append(byte)
      }
    }
    return nil
  }

  /// The byte that an escape stands for; `nil` for `\u`, which is the whole parser's.
  private mutating func escape() -> UInt8? {
    guard index < bytes.endIndex else { return nil }
    let byte = bytes[index]
    index += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return byte
    case UInt8(ascii: "n"): return 0x0A
    case UInt8(ascii: "t"): return 0x09
    case UInt8(ascii: "r"): return 0x0D
    case UInt8(ascii: "b"): return 0x08
    case UInt8(ascii: "f"): return 0x0C
    default: return nil
    }
  }
}
