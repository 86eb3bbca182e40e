import ChatRooms
import Foundation
import Testing

@testable import HistoryIndex

/// What searches that cost much are compiled to, and what they weigh.
@Suite struct SearchBoundsTests {
  private func compiled(_ query: SearchQuery) -> String { SearchCompiler(query, rooms: []).compile().compact }
  private func count(_ part: String, in text: String) -> Int { text.components(separatedBy: part).count - 1 }

  private func request(
    _ query: String, _ sort: SearchSort = .recent, _ facets: [SearchFacets.Kind] = []
  ) -> SearchRequest {
    SearchRequest(
      query: query, scope: ReadScope(isUnlimited: true, rooms: [], closedRooms: []), sort: sort, facets: facets)
  }

  @Test func fewLiteralsAreLookedForWithinWordsTheLongestOnes() {
    let literals = (0..<60).map { SearchQuery.literal(String(repeating: "b", count: 1 + $0 % 7) + "\($0)") }
    let text = compiled(.all(literals))
    #expect(count("wildcard", in: text) == 4)
    #expect(text.contains("*bbbbbbb13*") && text.contains("*bbbbbbb34*"))
    #expect(count("match_all", in: text) == 0)
    #expect(count("wildcard", in: compiled(.all((0..<60).map { .literal("\($0)") }))) == 1)
    // Any of them: those that are not looked for may be anywhere.
    #expect(compiled(.any(literals)) == compiled(.everything))
  }

  @Test func onlyWhatTheCheckAsksForIsNamed() {
    let literal = SearchQuery.literal("ab")
    #expect(count("_name", in: compiled(.all([literal, .word("c"), .not(.word("d"))]))) == 0)
    #expect(count("_name", in: compiled(.all([.word("c"), .any([literal, .word("d")])]))) == 1)
    let checked = LiteralCheck.remainder(of: .all([.word("c"), .any([literal, .word("d")])]))
    #expect(checked == .any([literal, .word("d")]))
    #expect(LiteralCheck.asked(by: checked) == [.word("d")])
    #expect(LiteralCheck.remainder(of: .all([.word("c"), .not(.word("d"))])) == nil)
  }

  @Test func manyBeginningsBecomeOneExpressionOfBoundedLength() {
    let few = (0..<4).map { SearchQuery.prefix("q\($0)") }
    #expect(count("\"prefix\"", in: compiled(.any(few))) >= 4)
    let many = (0..<200).map { SearchQuery.prefix("q\($0)") }
    let text = compiled(.any(many + [.word("w")]))
    #expect(count("\"prefix\"", in: text) == 0)
    #expect((1...4).contains(count("\"regexp\"", in: text)))
    #expect(text.contains("(q0|q1|q2|") && text.contains("q199).*") && text.contains("match_phrase"))
  }

  @Test func whatIsExcludedIsOnePart() {
    let text = compiled(.all([.word("w")] + (0..<40).map { .not(.prefix("q\($0)")) }))
    #expect(count("must_not", in: text) == 1 && count("\"regexp\"", in: text) >= 1)
    #expect(count("\"prefix\"", in: text) == 0)
    #expect(compiled(.all([.word("a"), .not(.word("b"))])).contains("must_not"))
  }

  @Test func signsOfAnExpressionAreNone() {
    let text = compiled(.any((0..<5).map { SearchQuery.prefix("\u{1F600}a\($0)") } + [.prefix("a.b")]))
    #expect(!text.contains("(a.b") && !text.contains("|a.b"))
  }

  @Test func aSearchWeighsWhatItCosts() {
    #expect(request("").weight == 1)
    #expect(request("the quick brown fox jumps over the lazy dog, and so it goes on and on").weight <= 8)
    #expect(request("foo.bar.baz at Module.function (file.swift:12) called from main.swift:7").weight <= 8)
    let beginnings = "abcdefghijklmnopqrstuvwxyz012345".map { "\($0)*" }.joined(separator: " OR ")
    #expect(request(beginnings).weight > 8)
    #expect(request(beginnings, .relevance).weight == 4 * request(beginnings).weight)
    #expect(request((0..<60).map { "`b\($0)`" }.joined(separator: " ")).weight > 8)
    #expect(request((0..<60).map { "\"a b\($0)\"" }.joined(separator: " OR ")).weight > 8)
    #expect(request("", .recent, [.room, .user, .month]).weight > 8)
    #expect(request("function", .recent, [.room, .user, .month]).weight == 1)
    #expect(request(String(repeating: "a ", count: 3_000)).weight >= 1)
  }
}
