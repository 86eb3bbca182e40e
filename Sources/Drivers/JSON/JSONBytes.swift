/// Looks at the bytes of JSON strings eight at a time.
enum JSONBytes {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highBits: UInt64 = 0x8080_8080_8080_8080

  /// The first byte from `start` on that stands in no string as it is: a quote, a backslash or a control character;
  /// `bytes.count` where there is none.
  @inline(__always)
  static func firstSpecial(in bytes: Span<UInt8>, from start: Int) -> Int {
    var index = start
    let words = unsafe bytes.bytes
    while index &+ 8 <= bytes.count {
      // Within the bounds that were just looked at.
      let word = unsafe UInt64(littleEndian: words.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
      let found = marks(of: word)
      if found != 0 { return index &+ found.trailingZeroBitCount / 8 }
      index &+= 8
    }
    while index < bytes.count, !isSpecial(bytes[index]) { index &+= 1 }
    return index
  }

  /// The high bit of each special byte. Of the bytes above the lowest one that is marked, some may be marked wrongly: a
  /// subtraction borrows from them.
  @inline(__always)
  private static func marks(of word: UInt64) -> UInt64 {
    let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
    let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
    let found = ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes) | ((word &- ones &* 0x20) & ~word)
    return found & highBits
  }

  @inline(__always)
  static func isSpecial(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }
}
