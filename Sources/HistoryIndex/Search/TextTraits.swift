/// What a text may hold, found in one look at its bytes: most messages have little of it, and need no closer look.
struct TextTraits: OptionSet, Sendable {
  let rawValue: UInt8

  static let beyondASCII = TextTraits(rawValue: 1)
  /// `aB`, `ABc`, or a digit beside a letter.
  static let camelCase = TextTraits(rawValue: 2)
  /// An ASCII character that `FoldedText.isSymbol`, or two colons.
  static let sign = TextTraits(rawValue: 4)
  /// A digit behind a `v`.
  static let version = TextTraits(rawValue: 8)
  /// `://`.
  static let link = TextTraits(rawValue: 16)
  static let at = TextTraits(rawValue: 32)
  static let backtick = TextTraits(rawValue: 64)

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(_ text: String) {
    let bytes = text.utf8.span
    var found: TextTraits = []
    var (lastButOne, last) = (UInt8(ascii: " "), UInt8(ascii: " "))
    for index in bytes.indices {
      let byte = bytes[index]
      found.formUnion(Self.ofByte(byte, after: last))
      if Self.isCamel(lastButOne, last, byte) { found.insert(.camelCase) }
      if byte == UInt8(ascii: "/"), last == byte, lastButOne == UInt8(ascii: ":") { found.insert(.link) }
      (lastButOne, last) = (last, byte)
    }
    self = found
  }

  @inline(__always)
  private static func ofByte(_ byte: UInt8, after last: UInt8) -> TextTraits {
    switch byte {
    case 0x80...: .beyondASCII
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: " "): []
    case UInt8(ascii: "0")...UInt8(ascii: "9"): last | 0x20 == UInt8(ascii: "v") ? .version : []
    case UInt8(ascii: "@"): [.at, .sign]
    case UInt8(ascii: "`"): .backtick
    case UInt8(ascii: ":"): last == byte ? .sign : []
    default: FoldedText.isSymbol(ascii: byte) ? .sign : []
    }
  }

  @inline(__always)
  private static func isCamel(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Bool {
    func isCapital(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "A") < 26 }
    func isSmall(_ byte: UInt8) -> Bool { byte >= 0x80 || byte &- UInt8(ascii: "a") < 26 }
    func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
    if isCapital(third) { return isSmall(second) || isDigit(second) }
    // Bytes that the small letters between the humps of names begin with.
    func isLead(_ byte: UInt8) -> Bool { byte &- 0xC3 < 7 }
    if isDigit(third) { return second < 0x80 ? isSmall(second) || isCapital(second) : isLead(first) }
    if isDigit(second) { return third < 0x80 ? isSmall(third) : isLead(third) }
    return isSmall(third) && isCapital(second) && isCapital(first)
  }
}
