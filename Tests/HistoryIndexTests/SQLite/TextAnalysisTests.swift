import Foundation
import Testing

@testable import HistoryIndex

@Suite struct TextAnalysisTests {
  private func words(_ text: String) -> [String] {
    var analysis = TextAnalysis()
    return analysis.tokens(text).map(\.text)
  }

  @Test(arguments: [
    ("Hello, World!", ["hello", "world"]),
    ("foo_bar-baz.qux/a:b", ["foo", "bar", "baz", "qux", "a", "b"]),
    ("v1.2.3", ["v1", "2", "3"]),
    ("don't don’t", ["don", "t", "don", "t"]),
    ("café CAFÉ cafe\u{301}", ["cafe", "cafe", "cafe"]),
    ("Straße Łódź œuvre İ", ["strasse", "lodz", "oeuvre", "i"]),
    ("ＡＢＣ１２３", ["abc123"]),
    ("ｶﾞｷﾞ ガギ か\u{3099}", ["ガ", "ギ", "ガ", "ギ", "が"]),
    ("東京abc都", ["東", "京", "abc", "都"]),
    ("한국 \u{1112}\u{1161}\u{11AB}", ["한", "국", "한"]),
    ("ΟΔΟΣ οδός", ["οδοσ", "οδοσ"]),
    ("йод и\u{306}од", ["йод", "йод"]),
    ("👍🏽 👩‍💻❤️", ["👍", "👩", "💻", "❤"]),
    ("हिन्दी", ["हिन्दी"]),
    ("٣ x² 三3", ["3", "x2", "三", "3"]),
    ("", []),
    (" \n\u{0}-> :)", []),
  ])
  func aTextIsCutIntoFoldedWords(text: String, expected: [String]) { #expect(words(text) == expected) }

  @Test(arguments: ["a café 👍 東京", "e\u{301}x 😀 ｶﾞ \r\n b", "👩‍💻 нет й"])
  func offsetsAreThoseOfTheText(text: String) {
    var analysis = TextAnalysis()
    let units = Array(text.utf16)
    for token in analysis.tokens(text) {
      let piece = String(decoding: units[token.start..<token.end], as: UTF16.self)
      #expect(words(piece).contains(token.text))
    }
  }

  /// FTS5 cuts the words that it is given once more.
  @Test func wordsHoldNoASCIIThatSeparates() {
    var analysis = TextAnalysis()
    for value in (0x80...0x2FFFF).lazy.compactMap(Unicode.Scalar.init) {
      for token in analysis.tokens(String(value)) {
        #expect(!token.text.isEmpty)
        #expect(token.text.utf8.allSatisfy { $0 >= 0x80 || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) })
      }
    }
  }
}
