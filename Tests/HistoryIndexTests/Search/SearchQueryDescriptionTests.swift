import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// A query is printed so that it parses to itself, whoever made it.
@Suite struct SearchQueryDescriptionTests {
  private let parser = SearchQueryParser(now: 1_795_262_400_000, timeZone: .gmt, me: "John")

  @Test func randomTreesParseToThemselves() throws {
    var random = SplitMix64(seed: 1)
    for _ in 0..<12_000 {
      let query = Self.tree(&random)
      #expect(try parser.parse(query.description) == query, "\(query.description)")
    }
  }

  @Test func whateverIsTypedParsesToSomethingThatParsesToItself() throws {
    let pieces = [
      "\"", "“", "”", "`", "-", "－", ":", "：", " ", "\u{3000}", "\t", "\0", "*", "OR", " OR ", "\\", "#", "@", "me",
      "a",
      "B", "7d", "2026", "-11", "-20", "from:", "in:", "before:", "on:", "has:", "mentions:", "link:", "code:", "is:",
      "\u{301}", "猫", "👩‍👩‍👧", "\u{202E}", "é", "ß", "İ", "..", "/", "://", ",", "'", "’", "\u{1F}", "\u{FEFF}", "٣", "1",
    ]
    var random = SplitMix64(seed: 2)
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 1...14, using: &random)).map { _ in
        pieces.randomElement(using: &random) ?? ""
      }.joined()
      let query = try parser.parse(text)
      #expect(try parser.parse(query.description) == query, "\(text.debugDescription) → \(query.description)")
      #expect(Self.depth(of: query) <= 4)
    }
  }

  /// What is typed, with a sign or two added, taken out or put elsewhere.
  @Test func mutationsOfWhatIsTypedParseToSomethingThatParsesToItself() throws {
    let typed = SearchTheme.all.flatMap { $0.scenarios.map(\.query) }
    let signs = Array("\"`-*:#@\\ “：－\u{3000}OR\0".unicodeScalars)
    var random = SplitMix64(seed: 3)
    for _ in 0..<15_000 {
      var scalars = Array((typed.randomElement(using: &random) ?? "").unicodeScalars)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0...scalars.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: scalars.insert(signs.randomElement(using: &random) ?? " ", at: place)
        case 1 where place < scalars.count: scalars.remove(at: place)
        default: scalars.shuffle(using: &random)
        }
      }
      let text = String(String.UnicodeScalarView(scalars))
      let query = try parser.parse(text)
      #expect(try parser.parse(query.description) == query, "\(text.debugDescription) → \(query.description)")
    }
  }

  @Test func theWorstQueryIsReadQuickly() throws {
    for unit in ["\"", "`", "-\"", "has:\"x\"", "from:\"", "a OR ", "-", "\\\""] {
      let text = String(String(repeating: unit, count: 1_000).unicodeScalars.prefix(1_000))
      #expect(Self.depth(of: try parser.parse(text)) <= 4)
    }
  }

  private static func depth(of query: SearchQuery) -> Int {
    switch query {
    case .not(let inner): 1 + depth(of: inner)
    case .all(let queries), .any(let queries): 1 + (queries.map(depth).max() ?? 0)
    default: 1
    }
  }

  private static func tree(_ random: inout SplitMix64) -> SearchQuery {
    let groups = (0..<Int.random(in: 0...4, using: &random)).map { _ in
      let terms = (0..<Int.random(in: 1...3, using: &random)).map { _ in
        let term = term(&random)
        return Bool.random(using: &random) ? term : .not(term)
      }
      return terms.count == 1 ? terms[0] : .any(terms)
    }
    return groups.isEmpty ? .everything : groups.count == 1 ? groups[0] : .all(groups)
  }

  private static func term(_ random: inout SplitMix64) -> SearchQuery {
    switch Int.random(in: 0..<12, using: &random) {
    case 0: .word("w" + text("ab猫9.-_\"`:/é", &random))
    case 1: .phrase("p" + text("ab 猫.-`:*\\", &random) + "q")
    case 2: .prefix("x" + text("ab猫9", &random))
    case 3: .literal(" " + text("ab \"“-:*\\猫", &random))
    case 4: .author(text("ab \"“\\@:#é", &random) + "z")
    case 5: .mentions(["me", "@x", "Ann", " ", "\"", "ME"].randomElement(using: &random) ?? "")
    case 6: .room(.name(text("#a1 \"\\", &random) + "r"))
    case 7: .room(.id(Int64.random(in: 0 ... .max, using: &random)))
    case 8: .time(from: Int64.random(in: .min ... .max, using: &random), to: Int64.random(in: 0...9, using: &random))
    case 9: Bool.random(using: &random) ? .time(from: 17, to: nil) : .time(from: nil, to: -17)
    case 10: .has(SearchQuery.Feature.allCases.randomElement(using: &random) ?? .link)
    default: .link(host: "a" + text("b9", &random) + ".example")
    }
  }

  private static func text(_ alphabet: String, _ random: inout SplitMix64) -> String {
    String((0..<Int.random(in: 0...6, using: &random)).compactMap { _ in alphabet.randomElement(using: &random) })
  }
}
