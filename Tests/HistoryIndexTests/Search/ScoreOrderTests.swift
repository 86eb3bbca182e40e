import ChatRooms
import Testing

@testable import HistoryIndex

/// Scores say the order that they stand in, over pages too.
@Suite(.timeLimit(.minutes(1))) struct ScoreOrderTests {
  private static let texts =
    ["deploy the service"] + (0..<6).map { "deploying \($0)" } + [
      "deployed deploys deployment", "we deploy late", "no",
    ]

  @Test func scoresOfTheEmbeddedProfileFallWhereInflectionsWiden() async throws {
    let profile = try await EmbeddedProfile()
    let user = try await profile.user("Ann")
    let room = try await profile.room("general", by: user)
    try profile.send(Self.texts, to: room, by: user)
    try await expectFallingScores { cursor in
      try await profile.page("deploy", sort: .relevance, limit: 2, cursor: cursor)
    }
  }

  @Test(.enabled(if: TestElasticsearch.isThere)) func scoresOfElasticsearchFallWhereInflectionsWiden() async throws {
    try await TestElasticsearch.with("scores") { elastic in
      try await elastic.index(Self.texts.enumerated().map { .sent(seq: Int64($0) + 1, $1) })
      let search = ElasticsearchSearch(
        client: elastic.client, names: elastic.names, journal: MemoryJournal(), resolve: { _, _ in [] }, log: .silent)
      try await expectFallingScores { cursor in
        try await search.search(
          SearchRequest(
            query: "deploy", scope: ReadScope(isUnlimited: true, rooms: [], closedRooms: []), sort: .relevance,
            limit: 2,
            cursor: cursor))
      }
    }
  }

  private func expectFallingScores(_ page: (String?) async throws -> SearchPage) async throws {
    var (hits, cursor): ([SearchHit], String?) = ([], nil)
    repeat {
      let page = try await page(cursor)
      hits += page.hits
      cursor = page.next
    } while cursor != nil
    let scores = try hits.map { try #require($0.score) }
    #expect(hits.count == Self.texts.count - 1)
    #expect(zip(scores, scores.dropFirst()).allSatisfy { $0 >= $1 }, "\(scores)")
    #expect(Set(hits.prefix(2).map(\.message.text)) == ["deploy the service", "we deploy late"])
  }
}
