/// A part of a text that holds something beyond ASCII. It is cut into words when they are asked for.
final class TextIsland {
  /// Its place in the text.
  let bytes: Range<Int>
  /// Bytes less UTF-16 units, from the start of the text to its end.
  let excess: Int
  /// UTF-16 units before it.
  let start: Int
  let text: [UInt8]
  /// What stands in it beyond ASCII are whole words of their own or separators, so that a word of ASCII is a run of its
  /// bytes.
  private let isPlain: Bool
  private let analysis: SharedAnalysis
  private var cut: [TextToken]?

  /// - Parameter excess: that of the part before it.
  init(_ text: [UInt8], at bytes: Range<Int>, excess before: Int, _ analysis: SharedAnalysis) {
    self.text = text
    self.bytes = bytes
    self.analysis = analysis
    let (units, isPlain) = Self.look(at: text)
    self.isPlain = isPlain
    start = bytes.lowerBound - before
    excess = before + bytes.count - units
  }

  var string: String { String(decoding: text, as: UTF8.self) }

  /// The words; their places are those in the whole text.
  var tokens: [TextToken] {
    if let cut { return cut }
    let tokens = analysis.tokens(string).map { TextToken(text: $0.text, start: $0.start + start, end: $0.end + start) }
    cut = tokens
    return tokens
  }

  /// Whether a word, or part of one, may stand in it.
  ///
  /// - Parameter word: folded.
  func mayHold(_ word: [UInt8]) -> Bool {
    guard isPlain, !word.isEmpty, word.allSatisfy(FoldedBytes.isWord) else { return true }
    var isThere = false
    FoldedBytes.find(word, in: text, from: 0, to: text.count) { _ in isThere = true }
    return isThere
  }

  /// UTF-16 units, and whether it is plain.
  private static func look(at text: [UInt8]) -> (units: Int, isPlain: Bool) {
    var units = 0
    var isPlain = true
    var index = 0
    while index < text.count {
      let lead = text[index]
      let length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
      units += length == 4 ? 2 : 1
      if length > 1, isPlain {
        let rest = text[(index + 1)..<min(index + length, text.count)]
        isPlain = Self.isPlain(rest.reduce(UInt32(lead) & (0x7F >> UInt32(length))) { $0 << 6 | UInt32($1 & 0x3F) })
      }
      index += length
    }
    return (units, isPlain)
  }

  /// Characters that are a word by themselves or stand between words: much used punctuation, kana, Han, Hangul, emoji.
  static func isPlain(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x2010...0x2027, 0x3001...0x3003, 0x3008...0x3011, 0x3041...0x3096, 0x30A1...0x30FA, 0x30FC, 0x4E00...0x9FEF,
      0xAC00...0xD7A3, 0xFF01...0xFF0F, 0xFF1A...0xFF20, 0x1F300...0x1F3FA, 0x1F400...0x1F64F:
      true
    default: false
    }
  }
}

/// A `TextAnalysis` that several parts of texts are cut with.
final class SharedAnalysis {
  private var analysis = TextAnalysis()

  func tokens(_ text: String) -> [TextToken] { analysis.tokens(text) }
}
