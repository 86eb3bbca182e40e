import Foundation

/// A word of a text, or what stands for one.
struct TextToken: Sendable, Equatable {
  /// Folded: lowercase, without accents and width. Only letters, digits and what is beyond ASCII.
  var text: String
  /// UTF-16 units from the start of the text.
  var start: Int
  var end: Int
}

/// Cuts texts into words for the index of the embedded profile, much as Elasticsearch's `chat` analyzer does.
///
/// Words are runs of letters, digits and the marks on them; everything else separates. Han, kana, Hangul and the scripts
/// of South-East Asia, which put no spaces between words, are cut into single characters, so that a phrase of them is a
/// substring. An emoji is a word; skin tones, joiners and variation selectors are nothing.
///
/// It remembers what it has folded: keep one for many texts.
struct TextAnalysis {
  /// Changes with anything that cuts or folds otherwise: indices are then made anew.
  static let version: Int64 = 2

  private var kinds: [UInt32: Kind] = [:]

  enum Kind {
    case separator
    case nothing
    case word([UInt8])
    /// A word by itself.
    case single([UInt8])
    case mark([UInt8])
    /// A sound mark that joins the kana before it.
    case soundMark(Unicode.Scalar)
  }

  /// The tokens of a text, in its order.
  mutating func tokens(_ text: String) -> [TextToken] {
    var cutter = TextCutter()
    if text.unicodeScalars.contains(where: Self.mayCompose) {
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

  /// Marks and Hangul letters may be one character with what stands before them.
  private static func mayCompose(_ scalar: Unicode.Scalar) -> Bool {
    guard scalar.value >= 0x300 else { return false }
    switch scalar.value {
    case 0x3400...0xD7AF: return false
    case 0x1100...0x11FF: return true
    default: return scalar.properties.canonicalCombiningClass != .notReordered
    }
  }

  /// A whole character, composed; all of it has the character's place.
  private mutating func cut(_ character: Character, _ cutter: inout TextCutter) {
    let width = character.utf16.count
    let composed = String(character).precomposedStringWithCanonicalMapping
    cutter.advance(width)
    for scalar in composed.unicodeScalars { cutter.take(kind(of: scalar), width: width) }
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

  private mutating func kind(of scalar: Unicode.Scalar) -> Kind {
    if let known = kinds[scalar.value] { return known }
    let kind = Self.findKind(of: scalar)
    kinds[scalar.value] = kind
    return kind
  }

  private static func findKind(of scalar: Unicode.Scalar) -> Kind {
    let category = scalar.properties.generalCategory
    switch scalar.value {
    case 0xFE00...0xFE0F, 0x1F3FB...0x1F3FF, 0xE0100...0xE01EF: return .nothing
    case 0x3099, 0xFF9E: return .soundMark("\u{3099}")
    case 0x309A, 0xFF9F: return .soundMark("\u{309A}")
    default: break
    }
    if category == .format { return .nothing }
    if category == .otherSymbol { return .single(Array(String(scalar).utf8)) }
    guard SearchFolding.isWordScalar(scalar) else { return .separator }
    let folded = SearchFolding.analyzed(String(scalar)).utf8.filter { $0 >= 0x80 || isWord($0) }
    if SearchFolding.isCJK(scalar) || isSoutheastAsian(scalar) { return .single(folded) }
    switch category {
    case .nonspacingMark, .spacingMark, .enclosingMark: return .mark(folded)
    default: return folded.isEmpty ? .nothing : .word(folded)
    }
  }

  /// Thai, Lao, Myanmar, Khmer.
  private static func isSoutheastAsian(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF: true
    default: false
    }
  }

  private static func isWord(_ byte: UInt8) -> Bool { TextCutter.lowercased(byte) != nil }
}

/// Puts folded characters together to words. Pure.
private struct TextCutter {
  private var tokens: [TextToken] = []
  private var word: [UInt8] = []
  private var wordStart = 0
  private var wordEnd = 0
  /// Where the character ends that comes now.
  private var offset = 0

  mutating func advance(_ width: Int) { offset += width }

  @inline(__always)
  mutating func take(ascii byte: UInt8) {
    guard let letter = Self.lowercased(byte) else { return endWord() }
    if word.isEmpty { wordStart = offset - 1 }
    word.append(letter)
    wordEnd = offset
  }

  mutating func take(_ kind: TextAnalysis.Kind, width: Int) {
    switch kind {
    case .separator: endWord()
    case .nothing: break
    case .word(let bytes): add(bytes, width)
    case .mark(let bytes): takeMark(bytes)
    case .soundMark(let mark): join(mark, width)
    case .single(let bytes):
      endWord()
      guard !bytes.isEmpty else { return }
      let text = String(decoding: bytes, as: UTF8.self)
      tokens.append(TextToken(text: text, start: offset - width, end: offset))
    }
  }

  mutating func finish() -> [TextToken] {
    endWord()
    return tokens
  }

  private mutating func add(_ bytes: [UInt8], _ width: Int) {
    if word.isEmpty { wordStart = offset - width }
    word += bytes
    wordEnd = offset
  }

  /// An accent on a Latin letter is dropped, as composed ones are; in other scripts marks make words.
  private mutating func takeMark(_ bytes: [UInt8]) {
    guard let last = word.last else { return }
    if last >= 0x80 { word += bytes }
    wordEnd = offset
  }

  private mutating func join(_ mark: Unicode.Scalar, _ width: Int) {
    endWord()
    // It comes as a character of its own, or as a part of the kana's.
    guard let last = tokens.indices.last, tokens[last].end >= offset - width else { return }
    tokens[last].text = (tokens[last].text + String(mark)).precomposedStringWithCanonicalMapping
    tokens[last].end = offset
  }

  @inline(__always)
  private mutating func endWord() {
    if word.isEmpty { return }
    tokens.append(TextToken(text: String(decoding: word, as: UTF8.self), start: wordStart, end: wordEnd))
    word.removeAll(keepingCapacity: true)
  }

  @inline(__always)
  static func lowercased(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
    default: nil
    }
  }
}
