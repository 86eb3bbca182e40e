import ChatRooms
import Drivers
import FakeHTTPServer
import Foundation
import Testing

@testable import HistoryIndex

/// How searches behave on an Elasticsearch that is slow, or gives half of an answer.
@Suite(.timeLimit(.minutes(1))) struct SearchDeadlineTests {
  private static let half =
    #"{"timed_out":true,"_shards":{"total":1,"successful":1,"failed":0},"#
    + #""hits":{"total":{"value":7,"relation":"eq"},"hits":[]}}"#

  private func search(
    _ server: FakeHTTPServer, deadline: Duration, _ body: (Result<SearchPage, any Error>) throws -> Void
  ) async throws {
    let elastic = TestElasticsearch("slow", origin: server.origin)
    defer { elastic.http.close() }
    let search = ElasticsearchSearch(
      client: elastic.client, names: elastic.names, journal: MemoryJournal(), resolve: { _, _ in [] }, log: .silent)
    let request = SearchRequest(
      query: "word", scope: ReadScope(isUnlimited: true, rooms: [], closedRooms: []), deadline: .now + deadline)
    let result: Result<SearchPage, any Error>
    do { result = .success(try await search.search(request)) } catch { result = .failure(error) }
    try body(result)
  }

  @Test func theTimeThatIsLeftIsPassedOn() async throws {
    let server = try FakeHTTPServer { _ in .reply(200, Self.half) }
    defer { server.stop() }
    try await search(server, deadline: .seconds(30)) { _ in }
    let body = try JSONValue(parsing: try #require(server.requests.last).body)
    let timeout = Int(body["timeout"]?.string?.dropLast(2) ?? "") ?? 0
    #expect((1...30_000).contains(timeout) && timeout > 500)
  }

  @Test func aSearchThatWasCutShortSaysSoAndPromisesNothing() async throws {
    let server = try FakeHTTPServer { _ in .reply(200, Self.half) }
    defer { server.stop() }
    try await search(server, deadline: .seconds(30)) { result in
      let page = try result.get()
      #expect(!page.isComplete && page.freshAsOf == 0 && page.isTotalLowerBound)
    }
  }

  @Test func anElasticsearchThatSaysNothingIsNotWaitedFor() async throws {
    let server = try FakeHTTPServer { _ in .silence }
    defer { server.stop() }
    try await search(server, deadline: .zero) { result in
      #expect { try result.get() } throws: {
        ($0 as? ChatError)?.status == 503 && ($0 as? ChatError)?.retryAfter != nil
      }
    }
  }
}

@Suite struct LastWordTests {
  @Test(
    arguments: [
      ("nat", .prefix("nat")), ("nat ", .word("nat")), ("n", .word("n")), ("猫", .prefix("猫")),
      ("two nat", .all([.word("two"), .prefix("nat")])), ("a OR nat", .any([.word("a"), .prefix("nat")])),
      ("two -nat", .all([.word("two"), .not(.word("nat"))])), ("\"a nat\"", .phrase("a nat")),
      ("nat from:Ann", .all([.word("nat"), .author("Ann")])), ("", .everything),
    ] as [(String, SearchQuery)])
  func onlyAWordAtTheEndIsABeginning(typed: String, expected: SearchQuery) throws {
    let request = SearchRequest(
      query: typed, scope: ReadScope(isUnlimited: true, rooms: [], closedRooms: []), isLastWordPrefix: true)
    #expect(try request.parsed() == expected)
  }
}
