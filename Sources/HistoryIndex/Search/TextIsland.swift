/// A part of a text that holds something beyond ASCII. It is cut into words when they are asked for.
final class TextIsland {
  /// Its place in the text.
  let bytes: Range<Int>
  /// Bytes less UTF-16 units, from the start of the text to its end.
  let excess: Int
  /// UTF-16 units before it.
  let start: Int
  let text: [UInt8]
  /// What stands in it beyond ASCII becomes no part of a word of ASCII, which is a run of its bytes then.
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

  /// Characters that neither vanish nor become ASCII: much used punctuation and symbols, Greek, Cyrillic, Hebrew, Thai,
  /// kana, Han, Hangul, emoji.
  static func isPlain(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0xA0...0xA9, 0xAB...0xAC, 0xAE...0xB1, 0xB4...0xB8, 0xBB...0xBF, 0xD7, 0x386...0x3FF, 0x400...0x482,
      0x48A...0x52F, 0x5D0...0x5EA, 0xE01...0xE30, 0x2010...0x205E, 0x20A0...0x20BF, 0x2190...0x23FF, 0x2500...0x2775,
      0x2794...0x27BF, 0x2900...0x2BFF, 0x3001...0x3020, 0x3041...0x3096, 0x30A1...0x30FF, 0x3400...0x4DB5,
      0x4E00...0x9FEF, 0xAC00...0xD7A3, 0xFF01...0xFF0F, 0xFF1A...0xFF20, 0xFF5B...0xFF9D, 0xFFE0...0xFFE6, 0xFFFD,
      0x1F300...0x1F3FA, 0x1F400...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF:
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
