import Foundation

/// Puts folded characters together to words. Pure.
struct TextCutter {
  /// UTF-16 units after which the tokenizer cuts a word.
  private static let longestWord = 255

  private var tokens: [TextToken] = []
  private var word: [UInt8] = []
  private var wordStart = 0
  private var wordEnd = 0
  /// The first half of a flag, and where it stands.
  private var halfFlag: (bytes: [UInt8], start: Int)?
  /// Where the character ends that comes now.
  private var offset = 0

  mutating func advance(_ width: Int) { offset += width }

  @inline(__always)
  mutating func take(ascii byte: UInt8) {
    guard let letter = Self.lowercased(byte) else { return endWord() }
    if word.isEmpty { wordStart = offset - 1 }
    word.append(letter)
    wordEnd = offset
    if wordEnd - wordStart >= Self.longestWord { endWord() }
  }

  mutating func take(_ kind: TextScalar, width: Int) {
    switch kind {
    case .separator: endWord()
    case .nothing: break
    case .word(let bytes): add(bytes, width)
    case .mark(let bytes):
      if !word.isEmpty { add(bytes, width) }
    case .soundMark(let mark): join(mark, width)
    case .single(let bytes, _), .emoji(let bytes): append(bytes, start: offset - width)
    case .regionalIndicator(let bytes): takeFlag(bytes, width)
    }
  }

  mutating func finish() -> [TextToken] {
    endWord()
    return tokens
  }

  private mutating func add(_ bytes: [UInt8], _ width: Int) {
    endFlag()
    if word.isEmpty { wordStart = offset - width }
    word += bytes
    wordEnd = offset
    if wordEnd - wordStart >= Self.longestWord { endWord() }
  }

  private mutating func append(_ bytes: [UInt8], start: Int) {
    endWord()
    guard !bytes.isEmpty else { return }
    tokens.append(TextToken(text: String(decoding: bytes, as: UTF8.self), start: start, end: offset))
  }

  private mutating func takeFlag(_ bytes: [UInt8], _ width: Int) {
    guard let half = halfFlag else {
      endWord()
      halfFlag = (bytes, offset - width)
      return
    }
    halfFlag = nil
    append(half.bytes + bytes, start: half.start)
  }

  private mutating func join(_ mark: Unicode.Scalar, _ width: Int) {
    endWord()
    // It comes as a character of its own, or as a part of the kana's.
    guard let last = tokens.indices.last, tokens[last].end >= offset - width else { return }
    let joined = (tokens[last].text + String(mark)).precomposedStringWithCanonicalMapping
    guard joined.unicodeScalars.count == 1 else { return }
    tokens[last].text = joined
    tokens[last].end = offset
  }

  @inline(__always)
  private mutating func endWord() {
    if word.isEmpty { return endFlag() }
    tokens.append(TextToken(text: String(decoding: word, as: UTF8.self), start: wordStart, end: wordEnd))
    word.removeAll(keepingCapacity: true)
  }

  /// Half a flag is a word, too.
  private mutating func endFlag() {
    guard let half = halfFlag else { return }
    halfFlag = nil
    tokens.append(
      TextToken(text: String(decoding: half.bytes, as: UTF8.self), start: half.start, end: half.start + 2))
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
