import ChatRooms
import Drivers
import TestSupport
import Testing

@testable import HistoryIndex

/// Whatever is typed is answered by the embedded profile, and as messages are matched that no index shows yet.
@Suite(.timeLimit(.minutes(2))) struct SQLiteSearchFuzzTests {
  private static let queries = 1_500

  /// Marks without a letter, letters that the analysis does not know, what is not cut as it looks.
  private static let pieces = [
    "\u{301}", "\u{FE0F}", "\u{20E3}", "\u{FF9E}", "\u{3099}", "\u{640}", "\u{64B}", "\u{5B0}", "\u{93F}", "ी",
    "\u{200D}", "\u{200B}", "\u{AD}", "\u{2067}", "\u{1E5D0}", "\u{10D4A}", "\u{1E4D0}", "🇫", "🇫🇷", "👍", "🏽", "1️⃣",
    "a", "é", "e\u{301}", "ß", "Ab", "hello", "getUserById", "iOS17", "x²", "CO₂", "⼈", "﷽", "§5", "٣", "हिन्दी", "မြန်",
    "ไทย",
    "東京", "カ", "ｶﾞ", "か\u{3099}", "한국", "C++", "#12", "::", "->", "v1.2", ".", "_", "'", "’", "(", ")", "^", ":",
  ]
  private static let signs = [
    " ", " ", " ", "　", "\n", "-", "*", "\"", "`", " OR ", " -", "from:", "mentions:", "link:", "has:",
  ]

  private static func text(_ random: inout SplitMix64, _ parts: [String], _ most: Int) -> String {
    (0..<Int.random(in: 1...most, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
  }

  private static func query(_ random: inout SplitMix64) -> String {
    var text = text(&random, pieces + signs + signs + signs, 8)
    // Any code point at all.
    for _ in 0..<Int.random(in: 0...2, using: &random) {
      let scalar = Unicode.Scalar(UInt32.random(in: 0...0x1FFFF, using: &random)).map(String.init) ?? ""
      text += [scalar, " \(scalar)", " -\(scalar)", " \(scalar)*", " OR \(scalar)"].randomElement(using: &random) ?? ""
    }
    return text
  }

  @Test func whateverIsTypedFindsWhatMatches() async throws {
    var random = SplitMix64(seed: 41)
    let profile = try await EmbeddedProfile()
    let user = try await profile.user("Ann")
    let room = try await profile.room("general", by: user)
    let texts = (0..<300).map { _ in Self.text(&random, Self.pieces + [" ", " ", " ", " "], 8) }
    let entries = try profile.send(texts.filter { !$0.isEmpty }, to: room, by: user).map { message in
      TailEntry(
        RoomEvent(
          kind: .message, event: message.event, lastSeq: message.seq, message: message, timestamp: message.timestamp,
          lane: 0, position: 0, routing: "", roomKind: .public, nonce: 0))
    }
    var found = 0
    for _ in 0..<Self.queries {
      let text = Self.query(&random)
      let tree = try SearchQueryParser(now: 0, timeZone: .gmt, me: nil).parse(text)
      let matching = TailQuery(tree, rooms: [])
      let expected = Set(entries.filter { $0.matches(matching) }.map(\.message.seq))
      let hits = try await profile.page(text, limit: 1_000).hits.map(\.message.seq)
      #expect(Set(hits) == expected, "\(text.debugDescription)")
      found += hits.isEmpty ? 0 : 1
      for sort in [SearchSort.relevance, .oldest] { _ = try await profile.page(text, sort: sort) }
    }
    #expect(found > Self.queries / 10)
  }
}
