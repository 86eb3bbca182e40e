import Drivers
import Foundation
import TestSupport
import Testing

@testable import HistoryIndex

/// `TextAnalysis` cuts texts as the `chat` analyzer of the real Elasticsearch does.
///
/// Known differences, all of texts that nobody types: halfwidth sound marks behind kana that take none; the iteration
/// marks 々 and 〻 twice in a row; words of more than 255 letters with dots or underscores within.
@Suite(.enabled(if: TestElasticsearch.isThere), .timeLimit(.minutes(2))) struct AnalyzerAgreementTests {
  private static let corpora = ["english_forum", "english_irc", "japanese", "chinese"]
  private static let samples = 1_500
  /// UTF-16 units of one request: Elasticsearch gives no more than 10,000 tokens.
  private static let batch = 3_000

  @Test func randomTextsOfAllScriptsAreCutAlike() async throws {
    var random = SplitMix64(seed: 7)
    let texts = (0..<3_000).map { _ in Self.text(&random) }
    try await expectAgreement(texts, "random")
  }

  @Test(.enabled(if: TestSupport.Corpus.isAvailable), arguments: corpora)
  func realTextsAreCutAlike(corpus: String) async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("palaver-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let stride = 20
    try TestSupport.Corpus.write(corpus, lines: Self.samples * stride, to: file)
    let texts = try TestSupport.Corpus.read(file).enumerated().filter { $0.offset % stride == 0 }.map(\.element.text)
    #expect(texts.count == Self.samples)
    try await expectAgreement(texts, corpus)
  }

  private func expectAgreement(_ texts: [String], _ name: String) async throws {
    try await TestElasticsearch.with("analysis") { elastic in
      var analysis = TextAnalysis()
      var different: [String] = []
      for batch in Self.batches(texts) {
        let cut = try await Self.analyzed(batch.map(IndexedText.of), elastic)
        for (text, theirs) in zip(batch, cut) {
          let ours = analysis.tokens(text)
          let isEqual = ours.map(\.text) == theirs.map(\.text)
          // Places are those of the text that was sent.
          let isPlaced = IndexedText.ifDifferent(text) != nil || text.unicodeScalars.contains { $0.value >= 0xFF61 }
          if !isEqual || !isPlaced && ours != theirs {
            different.append("\(text.debugDescription): \(ours.map(\.text)) not \(theirs.map(\.text))")
          }
        }
      }
      #expect(different.count * 1_000 <= texts.count, "\(name): \(different.count) of \(texts.count)")
      for line in different.prefix(10) { print(name, line) }
    }
  }

  private static func batches(_ texts: [String]) -> [[String]] {
    var batches: [[String]] = [[]]
    var units = 0
    for text in texts {
      units += IndexedText.of(text).utf16.count
      if units > batch, batches.last?.isEmpty == false {
        batches.append([])
        units = IndexedText.of(text).utf16.count
      }
      batches[batches.count - 1].append(text)
    }
    return batches
  }

  /// Single characters and words, without the pairs that the index has beside.
  private static func analyzed(_ texts: [String], _ elastic: TestElasticsearch) async throws -> [[TextToken]] {
    var body = JSONWriter()
    body.object {
      $0.member("analyzer", "chat")
      $0.key("text")
      $0.array { for text in texts { $0.value(text) } }
    }
    let reply = try await elastic.client.call(.post, "/\(elastic.names.read)/_analyze", body.bytes)
    var starts: [Int] = []
    var end = 0
    for text in texts {
      starts.append(end)
      end += text.utf16.count + 1
    }
    var cut = Array(repeating: [TextToken](), count: texts.count)
    for token in try #require(reply["tokens"]?.array) where token["type"]?.string != "<DOUBLE>" {
      let start = Int(try #require(token["start_offset"]?.integer))
      let end = Int(try #require(token["end_offset"]?.integer))
      let index = try #require(starts.lastIndex { $0 <= start })
      let text = try #require(token["token"]?.string)
      cut[index].append(TextToken(text: text, start: start - starts[index], end: end - starts[index]))
    }
    return cut
  }

  /// Pieces that meet in all ways.
  private static func text(_ random: inout SplitMix64) -> String {
    let pieces = [
      " ", " ", " ", "-", "_", ".", "'", "’", ":", "::", "#", "+", "/", "@", ",", "“", "…", "、", "。", "a", "Bc", "XML",
      "é", "e\u{301}", "ß", "Ł", "İ", "ı", "ﬁ", "12", "3.14", "٣", "²", "①", "ｘＹ", "５", "Ж", "й", "и\u{306}", "ё", "Ω",
      "ός", "ἄ", "שָׁלוֹם", "مُحَمَّد", "أ", "ـ", "ी", "हिन्दी", "த", "က", "ไทย", "สวัสดี", "๕", "ລາວ", "ខ្មែរ", "東", "京都",
      "々", "ひ", "か\u{3099}", "カタ", "ー", "・", "ｶﾞ", "ﾊﾟﾝ", "한", "국어", "ㅋㅋ", "\u{1112}\u{1161}\u{11AB}", "👍", "👍🏽",
      "❤️", "❤", "👩‍💻", "🇩🇪", "🇫🇷🇯🇵", "1️⃣", "✅", "★", "→", "\u{200B}", "\u{AD}", "\u{FE0F}", "\u{200D}", "𝒜", "𠮷", "\n",
    ]
    return (0..<Int.random(in: 1...12, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
  }
}
