import Foundation

/// A text without regard to case, width and accents, but with its symbols; each of its characters knows where it stands.
struct FoldedText: Sendable {
  enum Class: Sendable {
    case word
    /// Letters of scripts without spaces: any part of a run of them is a word.
    case single
    /// Signs that belong to a name (`C++`, `#12`, `std::vec`), not to a sentence.
    case symbol
    case other
  }

  private(set) var scalars: [Unicode.Scalar] = []
  private(set) var classes: [Class] = []
  /// UTF-16 units of the text.
  private(set) var places: [Range<Int>] = []

  init(_ text: String) {
    let count = text.utf8.count
    scalars.reserveCapacity(count)
    classes.reserveCapacity(count)
    places.reserveCapacity(count)
    if text.unicodeScalars.contains(where: TextAnalysis.isCluster) {
      takeCharacters(text)
    } else {
      var offset = 0
      for scalar in text.unicodeScalars {
        let end = offset + UTF16.width(scalar)
        take(scalar, at: offset..<end)
        offset = end
      }
    }
    markDoubleColons()
  }

  private mutating func takeCharacters(_ text: String) {
    var offset = 0
    for character in text {
      let end = offset + character.utf16.count
      let isAlone = character.unicodeScalars.count == 1
      let composed = isAlone ? String(character) : String(character).precomposedStringWithCanonicalMapping
      for scalar in composed.unicodeScalars { take(scalar, at: offset..<end) }
      offset = end
    }
  }

  private mutating func take(_ scalar: Unicode.Scalar, at place: Range<Int>) {
    if scalar.isASCII {
      let letter = TextCutter.lowercased(UInt8(truncatingIfNeeded: scalar.value)).map(Unicode.Scalar.init)
      return append(letter ?? scalar, letter != nil ? .word : Self.isSymbol(scalar) ? .symbol : .other, place)
    }
    switch TextScalar(scalar) {
    case .nothing: break
    case .separator:
      let plain = Self.plain(scalar)
      append(plain, Self.isSymbol(plain) ? .symbol : .other, place)
    case .word(let folded), .mark(let folded): append(folded, .word, place)
    case .single(let folded, _): append(folded, .single, place)
    case .emoji(let folded), .regionalIndicator(let folded): append(folded, .other, place)
    case .soundMark(let mark): append(mark, .single, place)
    }
  }

  private mutating func append(_ folded: [UInt8], _ kind: Class, _ place: Range<Int>) {
    for scalar in String(decoding: folded, as: UTF8.self).unicodeScalars { append(scalar, kind, place) }
  }

  private mutating func append(_ scalar: Unicode.Scalar, _ kind: Class, _ place: Range<Int>) {
    scalars.append(scalar)
    classes.append(kind)
    places.append(place)
  }

  /// One colon ends a phrase, several are a name's.
  private mutating func markDoubleColons() {
    for index in scalars.indices.dropFirst() where scalars[index] == ":" && scalars[index - 1] == ":" {
      classes[index] = .symbol
      classes[index - 1] = .symbol
    }
  }

  /// Fullwidth signs and curved quotes as their plain forms.
  private static func plain(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.value {
    case 0xFF01...0xFF5E: Unicode.Scalar(scalar.value - 0xFEE0) ?? scalar
    case 0x2018, 0x2019, 0x201A, 0x201B: "'"
    case 0x201C...0x201F: "\""
    default: scalar
    }
  }

  @inline(__always)
  static func isSymbol(ascii byte: UInt8) -> Bool {
    switch Unicode.Scalar(byte) {
    case "#", "%", "@", "\\", "&", "*", "+", "<", "=", ">", "|", "~", "$", "^": true
    default: false
    }
  }

  static func isSymbol(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return isSymbol(ascii: UInt8(truncatingIfNeeded: scalar.value)) }
    // A quote of code, not a part of it.
    if scalar == "\u{B4}" { return false }
    // Punctuation by its nature, but of a name: `§5`.
    if scalar == "\u{A7}" || scalar == "\u{B6}" { return true }
    switch scalar.properties.generalCategory {
    case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: return true
    default: return false
    }
  }

  /// Where `other` stands in this text: not as a part of a longer word or sign.
  ///
  /// - Parameter isPrefix: its end may be within a word.
  func ranges(of other: FoldedText, isPrefix: Bool = false, most: Int = .max) -> [Range<Int>] {
    guard let first = other.scalars.first, scalars.count >= other.scalars.count else { return [] }
    var found: [Range<Int>] = []
    for start in 0...(scalars.count - other.scalars.count) where scalars[start] == first && found.count < most {
      let end = start + other.scalars.count
      guard scalars[start..<end].elementsEqual(other.scalars) else { continue }
      let isCutBefore = start > 0 && joins(start - 1)
      let isCutAfter = !isPrefix && end < scalars.count && joins(end - 1)
      guard !isCutBefore, !isCutAfter else { continue }
      let last = isPrefix ? endOfWord(end - 1) : end - 1
      found.append(places[start].lowerBound..<places[last].upperBound)
    }
    return found
  }

  private func endOfWord(_ index: Int) -> Int {
    var last = index
    while last + 1 < scalars.count, joins(last) { last += 1 }
    return last
  }

  /// Whether a character and the next are parts of one word or one sign.
  private func joins(_ index: Int) -> Bool {
    switch (classes[index], classes[index + 1]) {
    case (.word, .word), (.symbol, .symbol): true
    default: false
    }
  }
}
