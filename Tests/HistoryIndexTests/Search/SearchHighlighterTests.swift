import ChatRooms
import Foundation
import Testing

@testable import HistoryIndex

/// What is highlighted lies within the text, whatever the text and the query.
@Suite struct SearchHighlighterTests {
  private static let pieces = [
    " ", " ", "a", "ab", "Ab", "getUser", "C++", "#12", "::", "->", "_", ".", "v1.2", "é", "e\u{301}", "ß", "ﬁ",
    "x\u{30C}",
    "\u{301}", "東", "京都", "カ", "ｶﾞ", "か\u{3099}", "한국", "\u{1112}\u{1161}\u{11AB}", "ไทย", "हिन्दी", "👍", "👍🏽", "❤️",
    "👩‍💻", "🇩🇪", "🇫", "1️⃣", "𠮷", "𝒜", "\u{200D}", "\u{FE0F}", "\u{AD}", "\u{200B}", "مُحَمَّد", "\n", "\r\n", "★", "²",
  ]

  private static func text(_ random: inout SplitMix, _ count: Int) -> String {
    (0..<Int.random(in: 1...count, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
  }

  /// Made of what stands somewhere in the text, or of anything.
  private static func leaf(_ random: inout SplitMix, in whole: String) -> SearchQuery {
    let start = Int.random(in: 0..<max(1, whole.count), using: &random)
    let isWithin = Int.random(in: 0..<4, using: &random) > 0
    let part = whole.dropFirst(start).prefix(Int.random(in: 1...3, using: &random))
    let text = isWithin ? String(part) : text(&random, 3)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return .word(text)
    case 1: return .phrase(text)
    case 2: return .prefix(text)
    default: return .literal(text)
    }
  }

  @Test func highlightsLieWithinTheTextAndSplitNoCharacter() {
    var random = SplitMix(seed: 11)
    var marked = 0
    for _ in 0..<6_000 {
      let text = Self.text(&random, 10)
      let query = SearchQuery.any([Self.leaf(&random, in: text), Self.leaf(&random, in: text)])
      var highlighter = SearchHighlighter(query)
      let found = highlighter.highlights(text)
      let units = Array(text.utf16)
      var end = 0
      for highlight in found {
        #expect(highlight.start >= end && highlight.length > 0)
        end = highlight.start + highlight.length
        guard end <= units.count else {
          Issue.record("\(query) marks \(highlight) of \(text.debugDescription)")
          break
        }
        let isSplit = UTF16.isTrailSurrogate(units[highlight.start]) || UTF16.isLeadSurrogate(units[end - 1])
        #expect(!isSplit, "\(query) splits \(text.debugDescription)")
      }
      marked += found.count
    }
    #expect(marked > 3_000)
  }

  /// Where the check finds a word with its signs, the index was asked for nothing that the text lacks.
  @Test func theSignsOfWhatIsFoundAreAmongThoseOfTheText() {
    var random = SplitMix(seed: 12)
    var found = 0
    for _ in 0..<20_000 {
      let text = Self.text(&random, 8)
      let word = Self.text(&random, 3).filter { !$0.isWhitespace }
      for (query, isPrefix) in [(SearchQuery.word(word), false), (.prefix(word), true)]
      where LiteralCheck.isNeeded(for: query) && LiteralCheck.holds(query, in: text) {
        found += 1
        let core = isPrefix ? word : LiteralCheck.trimmed(word)
        let wanted = ExtraTerms.signs(of: FoldedText(core), isPrefix: isPrefix)
        let missing = wanted.filter { !ExtraTerms(text).signs.contains($0) }
        #expect(missing.isEmpty, "\(word.debugDescription) in \(text.debugDescription): \(missing)")
      }
    }
    #expect(found > 200)
  }
}
