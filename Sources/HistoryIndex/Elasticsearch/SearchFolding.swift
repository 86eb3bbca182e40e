import Foundation

/// What the index's analyzer does to the letters of a word, for queries that Elasticsearch does not analyse (prefixes,
/// wildcards), and a coarser folding for comparing texts.
enum SearchFolding {
  /// One word as the filters `cjk_width`, `lowercase` (greek), `decimal_digit`, `arabic_normalization` and
  /// `asciifolding` leave it.
  static func analyzed(_ word: some StringProtocol) -> String {
    var folded = ""
    for character in String(word).precomposedStringWithCanonicalMapping { folded += fold(character) }
    return folded
  }

  private static func fold(_ character: Character) -> String {
    if let ascii = character.asciiValue { return String(UnicodeScalar(ascii)).lowercased() }
    let text = isWide(character) ? String(character).precomposedStringWithCompatibilityMapping : String(character)
    let lowered = text.lowercased()
    if let special = specials[lowered] { return special }
    if let digit = character.wholeNumberValue, digit < 10, isDigit(character) { return "\(digit)" }
    let scalars = lowered.decomposedStringWithCanonicalMapping.unicodeScalars
    // Accents of other scripts (й, Arabic hamza aside) make other letters, for the analyzer as for readers.
    guard let base = scalars.first, base.isASCII || isGreek(base) else { return lowered }
    return String(String.UnicodeScalarView(scalars.filter { $0.properties.generalCategory != .nonspacingMark }))
  }

  /// Digits of any script, also raised and circled ones. 三 counts as a number too, but it is a letter.
  private static func isDigit(_ character: Character) -> Bool {
    switch character.unicodeScalars.first?.properties.generalCategory {
    case .decimalNumber, .otherNumber: true
    default: false
    }
  }

  /// Fullwidth Latin and halfwidth kana.
  private static func isWide(_ character: Character) -> Bool {
    character.unicodeScalars.allSatisfy { (0xFF00...0xFFEF).contains($0.value) }
  }

  private static func isGreek(_ scalar: Unicode.Scalar) -> Bool { (0x370...0x3FF).contains(scalar.value) }

  private static let specials: [String: String] = [
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i", "i̇": "i", "ŋ": "n",
    "ﬁ": "fi", "ﬂ": "fl", "ς": "σ", "أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": "",
  ]

  /// For comparing a text with what was typed, without regard to case, width and accents.
  static func folded(_ text: String) -> String {
    text.folding(options: [.caseInsensitive, .diacriticInsensitive, .widthInsensitive], locale: nil)
      .precomposedStringWithCanonicalMapping
  }

  /// Han, kana and Hangul, which the analyzer cuts into single characters and pairs, so that a phrase is a substring.
  static func isCJK(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1100...0x11FF, 0x3005...0x3007, 0x3040...0x30FF, 0x3130...0x318F, 0x31F0...0x31FF, 0x3400...0x4DBF,
      0x4E00...0x9FFF, 0xAC00...0xD7AF, 0xF900...0xFAFF, 0xFF66...0xFFDC, 0x20000...0x3FFFF:
      true
    default: false
    }
  }

  /// Letters, digits and the marks on them: what words are made of.
  static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
      .letterNumber, .otherNumber, .nonspacingMark, .spacingMark, .enclosingMark:
      true
    default: false
    }
  }
}
