import Foundation

/// A text as Elasticsearch's analyzer must be given it, to cut it as `TextAnalysis` does.
///
/// Nearly all texts are given as they are. In the others, characters are composed (NFC), what `TextAnalysis` drops is
/// dropped, and where the analyzer would not cut (between the letters of Thai, between Hangul and Latin), a zero width
/// space makes it: so that messages of other languages do not pay for what a filter of the analyzer would cost them all.
enum IndexedText {
  /// `nil` where the text is right as it is.
  static func ifDifferent(_ text: String) -> String? { ifDifferent(text, traits: TextTraits(text)) }

  /// - Parameter traits: the text's.
  static func ifDifferent(_ text: String, traits: TextTraits) -> String? {
    guard traits.contains(.beyondASCII) else { return nil }
    guard text.unicodeScalars.contains(where: mayChange) || isKatakanaWithUnderscores(text) else { return nil }
    var builder = Builder()
    for character in text {
      let scalars = character.unicodeScalars
      if scalars.count == 1, let scalar = scalars.first, !scalar.properties.isFullCompositionExclusion {
        builder.take(scalar)
      } else {
        builder.take(character)
      }
    }
    return builder.isChanged ? String(builder.scalars) : nil
  }

  static func of(_ text: String) -> String { ifDifferent(text) ?? text }

  private static func isKatakanaWithUnderscores(_ text: String) -> Bool {
    text.utf8.contains(UInt8(ascii: "_")) && text.unicodeScalars.contains { TextScalar.script($0) == .katakana }
  }

  private static func mayChange(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x300: scalar.value == 0xAD || TextScalar.isRaisedDigit(scalar.value)
    case 0x401, 0x451, 0x2070...0x2089, 0x1100...0x11FF, 0x2126, 0x212A...0x212B, 0x2329...0x232A, 0x2ADC, 0x3005,
      0x303B,
      0x3131...0x318E, 0xAC00...0xD7FB:
      true
    default: TextAnalysis.isCluster(scalar)
    }
  }

  private struct Builder {
    var scalars = String.UnicodeScalarView()
    var isChanged = false

    /// What words can be glued to, and what stands between it and the next character.
    private var last = Neighbour.none
    private var glue = Glue.none

    private enum Neighbour: Equatable {
      case none, word, katakana, hangul, iterationMark, southeastAsian
    }

    /// Punctuation between two letters that makes them one word for the tokenizer (UAX #29).
    private enum Glue {
      case none, underscores, middle
    }

    mutating func take(_ character: Character) {
      let composed = String(character).precomposedStringWithCanonicalMapping.unicodeScalars
      if !composed.elementsEqual(character.unicodeScalars) { isChanged = true }
      for scalar in composed { take(scalar) }
    }

    mutating func take(_ scalar: Unicode.Scalar) {
      switch TextScalar(scalar) {
      case .nothing: isChanged = true
      case .separator: takeSeparator(scalar)
      case .word(let folded): append(scalar, folded, .word)
      case .mark:
        if last == .word, glue == .none { scalars.append(scalar) } else { isChanged = true }
      case .soundMark:
        if scalar.value >= 0xFF00 { scalars.append(scalar) } else { isChanged = true }
      case .single(let folded, .katakana): append(scalar, folded, .katakana)
      case .single(let folded, .hangul):
        let isMark = scalar == "\u{3005}" || scalar == "\u{303B}"
        append(scalar, folded, isMark ? .iterationMark : .hangul)
      case .single(let folded, .southeastAsian): append(scalar, folded, .southeastAsian)
      case .single(let folded, .han) where TextScalar.isRadical(scalar.value):
        scalars.append(contentsOf: String(decoding: folded, as: UTF8.self).unicodeScalars)
        isChanged = true
        last = .none
      case .single, .emoji, .regionalIndicator:
        scalars.append(scalar)
        last = .none
      }
    }

    private mutating func append(_ scalar: Unicode.Scalar, _ folded: [UInt8], _ neighbour: Neighbour) {
      if needsBreak(before: neighbour) {
        scalars.append("\u{200B}")
        isChanged = true
      }
      switch scalar.value {
      // Letters that the analyzer leaves as they are, and digits that it drops.
      case 0xB2, 0xB3, 0xB9, 0x401, 0x451, 0x1F00...0x1FFF, 0x2070...0x2089:
        let plain = String(decoding: folded, as: UTF8.self).unicodeScalars
        isChanged = isChanged || !plain.elementsEqual([scalar])
        scalars.append(contentsOf: plain)
      default: scalars.append(scalar)
      }
      last = neighbour
      glue = .none
    }

    private func needsBreak(before next: Neighbour) -> Bool {
      switch glue {
      case .none where last == .none: false
      case .none where last == .southeastAsian: next == .southeastAsian
      case .none: Self.isCut(last, next) && (last != next || next == .iterationMark)
      case .underscores: next != .word
      case .middle: last != .none && Self.isCut(last, next)
      }
    }

    /// The tokenizer takes both for letters of one word, but they are cut.
    private static func isCut(_ left: Neighbour, _ right: Neighbour) -> Bool {
      func isLetter(_ side: Neighbour) -> Bool { side == .word || side == .hangul || side == .iterationMark }
      return isLetter(left) && isLetter(right) && !(left == .word && right == .word)
    }

    private mutating func takeSeparator(_ scalar: Unicode.Scalar) {
      switch scalar {
      case "_", "\u{203F}", "\u{2040}", "\u{2054}", "\u{FE33}", "\u{FE34}", "\u{FE4D}", "\u{FE4E}", "\u{FE4F}",
        "\u{FF3F}", "\u{202F}":
        if glue == .none, last == .hangul || last == .katakana || last == .iterationMark {
          scalars.append("\u{200B}")
          isChanged = true
        }
        glue = .underscores
      case ".", "'", ":", "\u{B7}", "\u{2019}", "\u{2018}", ",", ";", "\u{2024}", "\u{2027}", "\u{FE52}", "\u{FE55}",
        "\u{FF07}", "\u{FF0E}", "\u{FF1A}", "\u{FF0C}", "\u{FF1B}", "\u{387}", "\u{5F4}":
        glue = .middle
      default:
        // Marks of format do not separate words for the tokenizer.
        let isFormat = scalar.properties.generalCategory == .format && scalar != "\u{200B}"
        glue = isFormat ? .middle : .none
        if !isFormat { last = .none }
      }
      scalars.append(scalar)
    }
  }
}
