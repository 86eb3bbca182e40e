/// Finds single values in JSON without building any: the client of a load test must cost less than the server.
///
/// What is no JSON ends the search early; nothing is read beyond the bytes.
enum JSONScanner {
  /// The position of a member's value in the object that the bytes begin with.
  static func member(_ name: StaticString, in bytes: Span<UInt8>) -> Int? {
    let key = MemberKey(name)
    guard var members = MemberCursor(in: bytes, at: 0) else { return nil }
    while let member = members.next(in: bytes) {
      if member.key == key { return member.value }
    }
    return nil
  }

  /// The integer at a position; `nil` if there is something else.
  static func integer(in bytes: Span<UInt8>, at start: Int) -> Int64? {
    var index = start
    let isNegative = index < bytes.count && bytes[index] == UInt8(ascii: "-")
    if isNegative { index += 1 }
    guard let magnitude = digits(in: bytes, at: &index) else { return nil }
    return isNegative ? -magnitude : magnitude
  }

  /// The decimal digits from `index` on; `nil` where there are none or too many.
  static func digits(in bytes: Span<UInt8>, at index: inout Int) -> Int64? {
    let start = index
    var value: Int64 = 0
    while index < bytes.count, case let digit = bytes[index] &- UInt8(ascii: "0"), digit < 10 {
      guard index - start < 18 else { return nil }
      value = value * 10 + Int64(digit)
      index += 1
    }
    return index > start ? value : nil
  }

  static func isTrue(in bytes: Span<UInt8>, at start: Int) -> Bool {
    start < bytes.count && bytes[start] == UInt8(ascii: "t")
  }

  /// What is between the quotes of the string at a position, still escaped.
  static func string(in bytes: Span<UInt8>, at start: Int) -> Range<Int>? {
    guard start < bytes.count, bytes[start] == UInt8(ascii: "\"") else { return nil }
    let end = endOfString(in: bytes, at: start)
    return end - 1 > start && bytes[end - 1] == UInt8(ascii: "\"") ? start + 1..<end - 1 : nil
  }

  /// Behind the value that begins at a position.
  static func end(of start: Int, in bytes: Span<UInt8>) -> Int {
    guard start < bytes.count else { return bytes.count }
    switch bytes[start] {
    case UInt8(ascii: "\""): return endOfString(in: bytes, at: start)
    case UInt8(ascii: "{"), UInt8(ascii: "["): return endOfContainer(in: bytes, at: start)
    default:
      var index = start
      while index < bytes.count, !isDelimiter(bytes[index]) { index += 1 }
      return index
    }
  }

  static func skipSpace(in bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < bytes.count, bytes[index] <= UInt8(ascii: " ") { index += 1 }
    return index
  }

  /// Whether the bytes between two positions hold those of a word.
  static func contains(_ word: [UInt8], in bytes: Span<UInt8>, from start: Int, to end: Int) -> Bool {
    guard let first = word.first, end - start >= word.count, end <= bytes.count else { return word.isEmpty }
    for index in start...(end - word.count) where bytes[index] == first {
      var length = 1
      while length < word.count, bytes[index + length] == word[length] { length += 1 }
      if length == word.count { return true }
    }
    return false
  }

  private static func isDelimiter(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") || byte <= UInt8(ascii: " ")
  }

  private static func endOfString(in bytes: Span<UInt8>, at start: Int) -> Int {
    var index = start + 1
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\""): return index + 1
      case UInt8(ascii: "\\"): index += 2
      default: index += 1
      }
    }
    return bytes.count
  }

  private static func endOfContainer(in bytes: Span<UInt8>, at start: Int) -> Int {
    var index = start
    var depth = 0
    while index < bytes.count {
      switch bytes[index] {
      case UInt8(ascii: "\""):
        index = endOfString(in: bytes, at: index)
        continue
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        if depth == 0 { return index + 1 }
      default: break
      }
      index += 1
    }
    return bytes.count
  }
}
