import ChatRooms
import Drivers
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

  private static func text(_ random: inout SplitMix64, _ count: Int) -> String {
    (0..<Int.random(in: 1...count, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
  }

  /// Made of what stands somewhere in the text, or of anything.
  private static func leaf(_ random: inout SplitMix64, in whole: String) -> SearchQuery {
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

  private static let words = [
    "a", "ab", "Ab", "aB", "getUser", "getUserByID", "user", "by", "HTTPServer", "http", "x1", "v1.2", "1.2", "Zürich",
    "naïve", "don’t", "don't", "the", "The", "café", "e\u{301}a", "東京", "カー", "ab京", "👍", "🇩🇪", "🇫", "ﬁx", "über",
    "Éa", "aÉ", "\u{1F44D}\u{1F3FD}ab", "\u{600}", "\u{10}", "\u{19}9",
  ]
  private static let gaps = [
    " ", " ", " ", "  ", "\n", "\r\n", ", ", "-", "_", ".", "’", "—", "\u{301}", "", "\t", "🇫", "\u{600}",
  ]

  /// What need not be cut is not cut: the marks are the same.
  @Test func lookingOnlyWhereWordsMayStandMarksTheSame() {
    var random = SplitMix64(seed: 12)
    var marked = 0
    for turn in 0..<20_000 {
      var text = ""
      for _ in 0..<Int.random(in: 1...14, using: &random) {
        let isOdd = turn.isMultiple(of: 5) && Int.random(in: 0..<6, using: &random) == 0
        text += (isOdd ? Self.pieces : Self.words).randomElement(using: &random) ?? ""
        text += Self.gaps.randomElement(using: &random) ?? ""
      }
      if turn.isMultiple(of: 20) {
        text += String(repeating: "by user ", count: Int.random(in: 0...80, using: &random))
      }
      if turn.isMultiple(of: 50) { text += String(repeating: "Ab1", count: Int.random(in: 60...200, using: &random)) }
      let query = SearchQuery.any((0..<2).map { _ in Self.likelyLeaf(&random, in: text) })
      let highlighter = SearchHighlighter(query)
      let quick = highlighter.highlights(text)
      #expect(quick == highlighter.thoroughHighlights(text), "\(query) in \(text.debugDescription)")
      marked += quick.isEmpty ? 0 : 1
    }
    #expect(marked > 8_000)
  }

  private static func likelyLeaf(_ random: inout SplitMix64, in text: String) -> SearchQuery {
    if Int.random(in: 0..<4, using: &random) == 0 { return leaf(&random, in: text) }
    let words = text.split { $0.isWhitespace }
    guard let first = words.indices.randomElement(using: &random) else { return .word("a") }
    let phrase = words[first...].prefix(Int.random(in: 1...3, using: &random)).joined(separator: " ")
    switch Int.random(in: 0..<5, using: &random) {
    case 0: return .word(phrase.lowercased())
    case 1: return .prefix(String(phrase.dropLast(Int.random(in: 0...2, using: &random))))
    case 2: return .phrase(phrase)
    case 3: return .phrase(phrase.uppercased())
    default: return .word(Self.words.randomElement(using: &random) ?? "a")
    }
  }

  @Test func manyMarksAreTheSameToo() {
    let highlighter = SearchHighlighter(.any([.word("a"), .prefix("b")]))
    for text in [String(repeating: "a b bc ", count: 700), String(repeating: "a é b ", count: 1_500)] {
      #expect(highlighter.highlights(text) == highlighter.thoroughHighlights(text))
    }
  }

  /// Characters that stand for themselves are told without a look at Unicode's tables.
  @Test func plainCharactersAreWhatTheTablesSay() {
    for value in [0x3041...0x3096, 0x30A1...0x30FC, 0x4E00...0x9FEF, 0xAC00...0xD7A3] as [ClosedRange<UInt32>] {
      for scalar in value.compactMap(Unicode.Scalar.init) {
        #expect(TextScalar(scalar) == TextScalar(looking: scalar), "\(scalar)")
      }
    }
  }

  /// Words of ASCII beside them are runs of bytes.
  @Test func whatIsPlainInAnIslandNeitherVanishesNorBecomesASCII() {
    var analysis = TextAnalysis()
    for value in (0x80...0x1FFFF as ClosedRange<UInt32>) where TextIsland.isPlain(value) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let text = "e\(scalar)u"
      for token in analysis.tokens(text).map(\.text) + NameParts.of("getE\(scalar)User").map(\.text) {
        let isRun = ["e", "u", "get", "gete", "user"].contains(token)
        #expect(isRun || token.utf8.contains { $0 >= 0x80 }, "\(scalar) \(value): \(token)")
      }
    }
  }

  @Test func highlightsLieWithinTheTextAndSplitNoCharacter() {
    var random = SplitMix64(seed: 11)
    var marked = 0
    for _ in 0..<6_000 {
      let text = Self.text(&random, 10)
      let query = SearchQuery.any([Self.leaf(&random, in: text), Self.leaf(&random, in: text)])
      let highlighter = SearchHighlighter(query)
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
    var random = SplitMix64(seed: 12)
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
