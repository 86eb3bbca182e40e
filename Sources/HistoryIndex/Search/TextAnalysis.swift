import Foundation

/// A word of a text, or what stands for one.
struct TextToken: Sendable, Equatable {
  /// Folded: lowercase, without accents and width. Only letters, digits and what is beyond ASCII.
  var text: String
  /// UTF-16 units from the start of the text.
  var start: Int
  var end: Int
}

/// Cuts texts into words as Elasticsearch's `chat` analyzer does: for the index of the embedded profile, for messages
/// that Elasticsearch does not show yet, and for highlights.
///
/// Words are runs of letters, digits and the marks on them; everything else separates. Han, kana, Hangul and the scripts
/// of South-East Asia are cut into single characters, so that a phrase of them is a substring. (Elasticsearch has pairs
/// of them beside, which find nothing more, but faster.) An emoji is a word; skin tones, joiners and variation selectors
/// are nothing.
///
/// It remembers what it has folded: keep one for many texts.
struct TextAnalysis: Sendable {
  /// Changes with anything that cuts or folds otherwise: indices are then made anew.
  static let version: Int64 = 4

  private var kinds: [UInt32: TextScalar] = [:]

  /// The tokens of a text, in its order.
  mutating func tokens(_ text: String) -> [TextToken] {
    var cutter = TextCutter()
    if text.unicodeScalars.contains(where: Self.isCluster) {
      for character in text { cut(character, &cutter) }
    } else {
      for scalar in text.unicodeScalars { cut(scalar, width: UTF16.width(scalar), &cutter) }
    }
    return cutter.finish()
  }

  /// The tokens with a space between them, for FTS5's `ascii` tokenizer, which gives the same tokens back.
  mutating func words(_ text: String) -> String {
    tokens(text).lazy.map(\.text).joined(separator: " ")
  }

  /// May be one character with its neighbours.
  static func isCluster(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x300: scalar.value == 0xAD
    case 0x370..<0x483, 0x48A..<0x591, 0x2010..<0x20D0, 0x2100..<0x2C00, 0x3001..<0x302A, 0x3030..<0x3099,
      0x309B..<0xA66F, 0xAC00...0xD7A3, 0xFF01..<0xFF9E, 0x1F200..<0x1F3FB, 0x1F400..<0x1FB00:
      false
    default: true
    }
  }

  /// A whole character, composed; all of it has the character's place.
  private mutating func cut(_ character: Character, _ cutter: inout TextCutter) {
    let width = character.utf16.count
    cutter.advance(width)
    let scalars = character.unicodeScalars
    if scalars.count == 1, let scalar = scalars.first { return cutter.take(kind(of: scalar), width: width) }
    for scalar in String(character).precomposedStringWithCanonicalMapping.unicodeScalars {
      cutter.take(kind(of: scalar), width: width)
    }
  }

  @inline(__always)
  private mutating func cut(_ scalar: Unicode.Scalar, width: Int, _ cutter: inout TextCutter) {
    cutter.advance(width)
    if scalar.isASCII {
      cutter.take(ascii: UInt8(truncatingIfNeeded: scalar.value))
    } else {
      cutter.take(kind(of: scalar), width: width)
    }
  }

  private mutating func kind(of scalar: Unicode.Scalar) -> TextScalar {
    if let known = kinds[scalar.value] { return known }
    let kind = TextScalar(scalar)
    kinds[scalar.value] = kind
    return kind
  }
}
