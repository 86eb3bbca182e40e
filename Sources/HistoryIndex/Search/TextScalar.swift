import Foundation

/// What the analysis makes of a code point. Checked against Elasticsearch's `chat` analyzer for all of Unicode.
enum TextScalar: Equatable {
  /// Stands between words.
  case separator
  /// Is taken out before the text is cut: variation selectors, skin tones, accents that no letter has, vowel points.
  case nothing
  /// A letter or digit, folded (UTF-8).
  case word([UInt8])
  /// Belongs to the word before it; without one it is nothing.
  case mark([UInt8])
  /// A word by itself, in scripts that put no spaces between words.
  case single([UInt8], Script)
  /// A word by itself.
  case emoji([UInt8])
  /// Two of them are a flag.
  case regionalIndicator([UInt8])
  /// A sound mark that joins the kana before it.
  case soundMark(Unicode.Scalar)

  enum Script: Equatable {
    case han, katakana, hangul, southeastAsian
  }

  init(_ scalar: Unicode.Scalar) {
    if scalar.isASCII {
      self = SearchFolding.isASCIIWord(scalar) ? .word(Array(scalar.properties.lowercaseMapping.utf8)) : .separator
    } else if let script = Self.plainScript(scalar) {
      self = .single(Array(String(scalar).utf8), script)
    } else {
      self.init(looking: scalar)
    }
  }

  /// By Unicode's tables.
  init(looking scalar: Unicode.Scalar) {
    if let special = Self.special(scalar) {
      self = special
    } else if let script = Self.script(scalar) {
      self = .single(Array(Self.folded(scalar).utf8), script)
    } else {
      self = Self.general(scalar)
    }
  }

  /// Of the characters that stand for themselves, which nearly all of Chinese, Japanese and Korean texts consist of.
  private static func plainScript(_ scalar: Unicode.Scalar) -> Script? {
    switch scalar.value {
    case 0x3041...0x3096, 0x4E00...0x9FEF: .han
    case 0x30A1...0x30FA, 0x30FC: .katakana
    case 0xAC00...0xD7A3: .hangul
    default: nil
    }
  }

  private static func special(_ scalar: Unicode.Scalar) -> TextScalar? {
    switch scalar.value {
    case 0xAD, 0x200D, 0x300...0x36F, 0x591...0x5BD, 0x5BF, 0x5C1...0x5C2, 0x5C4...0x5C5, 0x5C7, 0x640,
      0x64B...0x652, 0xFE00...0xFE0F, 0x1F3FB...0x1F3FF, 0xE0000...0xE007F, 0xE0100...0xE01EF:
      .nothing
    case let value where isRaisedDigit(value):
      .word(Array("\(Int(scalar.properties.numericValue ?? 0))".utf8))
    case 0x3099, 0xFF9E: .soundMark("\u{3099}")
    case 0x309A, 0xFF9F: .soundMark("\u{309A}")
    // A letter that is none to the tokenizer; punctuation among the emoji.
    case 0x3006, 0x203C, 0x2049: .separator
    case 0x1F1E6...0x1F1FF: .regionalIndicator(Array(String(scalar).utf8))
    default: nil
    }
  }

  private static func general(_ scalar: Unicode.Scalar) -> TextScalar {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .letterNumber,
      .decimalNumber:
      return isKnown(scalar) ? .word(Array(folded(scalar).utf8)) : .separator
    case .nonspacingMark, .spacingMark, .enclosingMark:
      return isKnown(scalar) ? .mark(Array(String(scalar).utf8)) : .separator
    case .otherSymbol where scalar.properties.isAlphabetic:
      return .word(Array(folded(scalar).utf8))
    default: return isEmoji(scalar) ? .emoji(Array(String(scalar).utf8)) : .separator
    }
  }

  /// The tokenizer of Elasticsearch 9 knows Unicode as of 12.1: later letters are none to it.
  private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
    guard let age = scalar.properties.age else { return false }
    return (age.major, age.minor) <= (12, 1)
  }

  /// Superscript and subscript digits, which count as digits: `x²`, `CO₂`.
  static func isRaisedDigit(_ value: UInt32) -> Bool {
    switch value {
    case 0xB2, 0xB3, 0xB9, 0x2070, 0x2074...0x2079, 0x2080...0x2089: true
    default: false
    }
  }

  /// Radicals of Han that stand for the character of the same shape: `⼈` is 人.
  static func isRadical(_ value: UInt32) -> Bool { 0x2F00...0x2FD5 ~= value }

  static func script(_ scalar: Unicode.Scalar) -> Script? {
    switch scalar.value {
    case 0x2F00...0x2FD5, 0x3007, 0x3021...0x3029, 0x3038...0x303A, 0x3041...0x3096, 0x309D...0x309F, 0x3400...0x4DB5,
      0x4E00...0x9FEF,
      0xF900...0xFAFF, 0x1F200, 0x20000...0x3FFFF:
      .han
    case 0x3031...0x3035, 0x30A1...0x30FA, 0x30FC...0x30FF, 0x31F0...0x31FF, 0xFF66...0xFF9D: .katakana
    case 0x1100...0x11FF, 0x3005, 0x303B, 0x3131...0x318E, 0xA960...0xA97C, 0xAC00...0xD7A3, 0xD7B0...0xD7FB,
      0xFFA0...0xFFDC:
      .hangul
    case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x1950...0x19DF, 0x1A20...0x1AAF, 0xA9E0...0xA9FF,
      0xAA60...0xAADF:
      isSoutheastAsianLetter(scalar) ? .southeastAsian : nil
    default: nil
    }
  }

  /// Letters and vowel signs; their digits are digits as any others.
  private static func isSoutheastAsianLetter(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .otherLetter, .modifierLetter, .nonspacingMark, .spacingMark: true
    default: false
    }
  }

  private static func isEmoji(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case ..<0x1F000: return scalar.properties.isEmoji
    case 0x1F000...0x1F0FF, 0x1F10D...0x1F10F, 0x1F12F, 0x1F16C...0x1F16F, 0x1F18E, 0x1F191...0x1F19A,
      0x1F1AD...0x1F1E5, 0x1F201...0x1F20F, 0x1F21A, 0x1F22F, 0x1F232...0x1F23A, 0x1F23C...0x1F23F,
      0x1F249...0x1F53D, 0x1F546...0x1F64F, 0x1F680...0x1F6FF, 0x1F774...0x1F77F, 0x1F7D5...0x1F7FF,
      0x1F80C...0x1F80F, 0x1F848...0x1F84F, 0x1F85A...0x1F85F, 0x1F888...0x1F88F, 0x1F8AE...0x1F8FF,
      0x1F90C...0x1F93A, 0x1F93C...0x1F945, 0x1F947...0x1FAFF:
      return true
    default: return false
    }
  }

  /// One character as the filters `cjk_width`, `asciifolding`, `lowercase` (greek), `decimal_digit` and
  /// `arabic_normalization` leave it, after what `IndexedText` does to it.
  private static func folded(_ scalar: Unicode.Scalar) -> String {
    if let plain = LatinFolding.table[scalar.value] ?? others[scalar.value] { return plain }
    if scalar.properties.generalCategory == .decimalNumber, let digit = scalar.properties.numericValue {
      return "\(Int(digit))"
    }
    let isVariant = (0xFF01...0xFF9D).contains(scalar.value) || isRadical(scalar.value)
    let plain = isVariant ? String(scalar).precomposedStringWithCompatibilityMapping : String(scalar)
    let lowered = plain.lowercased().decomposedStringWithCanonicalMapping.unicodeScalars
    // Accents of other scripts (й) make other letters, for the analyzer as for readers.
    guard let base = lowered.first, base.isASCII || (0x370...0x3FF).contains(base.value) else {
      return plain.lowercased().precomposedStringWithCanonicalMapping
    }
    return String(String.UnicodeScalarView(lowered.filter { $0.properties.generalCategory != .nonspacingMark }))
  }

  private static let others: [UInt32: String] = [
    0x3C2: "σ", 0x622: "ا", 0x623: "ا", 0x625: "ا", 0x629: "ه", 0x649: "ي", 0x401: "е", 0x451: "е",
  ]
}
