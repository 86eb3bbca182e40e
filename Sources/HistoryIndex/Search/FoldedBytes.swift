/// Looks at ASCII without regard to case, eight bytes at a time.
enum FoldedBytes {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highBits: UInt64 = 0x8080_8080_8080_8080

  /// The first byte from `start` on that is not ASCII; `bytes.count` where there is none.
  static func firstBeyondASCII(in bytes: [UInt8], from start: Int) -> Int {
    var index = start
    let words = unsafe bytes.span.bytes
    while index &+ 8 <= bytes.count {
      // Within the bounds that were just looked at.
      let word = unsafe UInt64(littleEndian: words.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
      if word & highBits != 0 { return index &+ (word & highBits).trailingZeroBitCount / 8 }
      index &+= 8
    }
    while index < bytes.count, bytes[index] < 0x80 { index &+= 1 }
    return index
  }

  /// Calls `found` with each place where a word stands, in whichever case, perhaps within a longer one.
  ///
  /// - Parameter needle: lowercase letters and digits, at least one.
  static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int, to end: Int, _ found: (Int) -> Void) {
    guard let first = needle.first, let last = needle.last else { return }
    let words = unsafe bytes.span.bytes
    let reach = needle.count &- 1
    let (heads, tails) = (ones &* UInt64(first), ones &* UInt64(last))
    let cases = ones &* 0x20
    var index = start
    // Both ends of the word at once: few places have both by chance.
    while index &+ 8 &+ reach <= end {
      let head = unsafe UInt64(littleEndian: words.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
      let tail = unsafe UInt64(
        littleEndian: words.unsafeLoadUnaligned(fromByteOffset: index &+ reach, as: UInt64.self))
      let differing = ((head | cases) ^ heads) | ((tail | cases) ^ tails)
      var marks = (differing &- ones) & ~differing & highBits
      while marks != 0 {
        let place = index &+ marks.trailingZeroBitCount / 8
        if holds(needle, bytes, at: place) { found(place) }
        marks &= marks &- 1
      }
      index &+= 8
    }
    while index &+ reach < end {
      if holds(needle, bytes, at: index) { found(index) }
      index &+= 1
    }
  }

  /// Whether these lowercase letters and digits stand there.
  static func holds(_ needle: [UInt8], _ bytes: [UInt8], at place: Int) -> Bool {
    guard place &+ needle.count <= bytes.count else { return false }
    for index in 0..<needle.count where TextCutter.lowercased(bytes[place &+ index]) != needle[index] { return false }
    return true
  }

  @inline(__always)
  static func isWord(_ byte: UInt8) -> Bool { TextCutter.lowercased(byte) != nil }
}
