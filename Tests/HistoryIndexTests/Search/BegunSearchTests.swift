import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// Searches that are sent to the index before it is known what their callers may read, and what was written meanwhile.
/// On the real Elasticsearch that `PALAVER_TEST_ELASTICSEARCH` names.
@Suite(.enabled(if: TestElasticsearch.isThere), .timeLimit(.minutes(1))) struct BegunSearchTests {
  private static let reader = ScopeKey(user: 7, isAdmin: false)
  private static let scope = ReadScope(isUnlimited: false, rooms: [], closedRooms: [])

  /// What the database would say.
  private final class Database: @unchecked Sendable {
    private let lock = NSLock()
    private let journal: MemoryJournal
    private var scope = BegunSearchTests.scope
    private var failure: SQLError?

    init(_ journal: MemoryJournal) { self.journal = journal }

    func set(_ scope: ReadScope) { lock.withLock { self.scope = scope } }
    func fail(_ kind: SQLError.Kind) { lock.withLock { failure = SQLError(kind: kind, code: 0, message: "down") } }

    var standings: SearchStandings {
      SearchStandings { [self] _, answer in
        let (scope, failure) = lock.withLock { (self.scope, self.failure) }
        if let failure { return answer(.failure(failure)) }
        Task { answer(.success(SearchStanding(scope: scope, heads: try await journal.heads()))) }
      }
    }
  }

  private struct Fixture {
    let journal = MemoryJournal()
    let database: Database
    let search: ElasticsearchSearch

    init(_ elastic: TestElasticsearch) async throws {
      database = Database(journal)
      search = ElasticsearchSearch(
        client: elastic.client, names: elastic.names, journal: journal, standings: database.standings,
        parse: { _ in .word("apple") }, resolve: { _, _ in [] }, log: .silent, deadline: .seconds(30))
      let old = (1...3).map { RoomEvent.sent(seq: Int64($0), "apple \($0)", at: Int64($0)) }
      try await elastic.index(old)
      for event in old { journal.append(event) }
      journal.markIndexed()
    }

    private var request: SearchRequest { SearchRequest(query: "apple", scope: BegunSearchTests.scope) }

    /// A search that can begin at once, as soon as the tail is known and at rest.
    func prepared() async throws -> PreparedSearch {
      while true {
        if let prepared = search.prepare(request, of: BegunSearchTests.reader) { return prepared }
        _ = try await search.search(request)
        try await Task.sleep(for: .milliseconds(5))
      }
    }

    /// While the tail looks at the journal.
    func run(_ body: () async throws -> Void) async throws {
      let upkeep = Task { await search.upkeep() }
      let result: Result<Void, any Error>
      do { result = .success(try await body()) } catch { result = .failure(error) }
      upkeep.cancel()
      await upkeep.value
      try result.get()
    }
  }

  @Test func whereNothingHasChangedThePageIsTheOneThatWasBegun() async throws {
    try await TestElasticsearch.with("begun") { elastic in
      let fixture = try await Fixture(elastic)
      try await fixture.run {
        guard case .page(let page) = try await fixture.prepared().begin().outcome() else {
          return #expect(Bool(false), "not confirmed")
        }
        #expect(page.hits.map(\.message.text) == ["apple 3", "apple 2", "apple 1"])
        #expect(page.total == 3 && page.isComplete && page.freshAsOf > 0)
      }
    }
  }

  @Test func whoMayReadLessByNowLearnsNothingOfIt() async throws {
    try await TestElasticsearch.with("begunless") { elastic in
      let fixture = try await Fixture(elastic)
      try await fixture.run {
        let prepared = try await fixture.prepared()
        fixture.database.set(ReadScope(isUnlimited: false, rooms: [], closedRooms: [1]))
        guard case .overtaken = try await prepared.begin().outcome() else {
          return #expect(Bool(false), "an older scope was taken")
        }
      }
    }
  }

  @Test func whatWasSentSinceTheLastLookIsNotMissed() async throws {
    try await TestElasticsearch.with("begunsent") { elastic in
      let fixture = try await Fixture(elastic)
      try await fixture.run {
        let prepared = try await fixture.prepared()
        fixture.journal.append(.sent(seq: 4, "apple 4", at: 4))
        guard case .overtaken = try await prepared.begin().outcome() else {
          return #expect(Bool(false), "a new message was missed")
        }
      }
    }
  }

  @Test func itIsToldWhenBothHaveAnsweredAndThenNeedsNobody() async throws {
    try await TestElasticsearch.with("begunatonce") { elastic in
      let fixture = try await Fixture(elastic)
      try await fixture.run {
        let begun = try await fixture.prepared().begin()
        await withCheckedContinuation { continuation in begun.whenAnswered { continuation.resume() } }
        guard case .page(let page)? = try begun.outcomeAtOnce() else {
          return #expect(Bool(false), "not at once")
        }
        #expect(page.total == 3)
        let late = try await fixture.prepared()
        fixture.database.set(ReadScope(isUnlimited: false, rooms: [], closedRooms: [1]))
        let overtaken = late.begin()
        await withCheckedContinuation { continuation in overtaken.whenAnswered { continuation.resume() } }
        let outcome = try overtaken.outcomeAtOnce()
        #expect(outcome == nil)
      }
    }
  }

  @Test func withoutTheDatabaseItIsSaidThatNothingWasConfirmed() async throws {
    try await TestElasticsearch.with("begundown") { elastic in
      let fixture = try await Fixture(elastic)
      try await fixture.run {
        let prepared = try await fixture.prepared()
        fixture.database.fail(.unavailable)
        guard case .unconfirmed(let page) = try await prepared.begin().outcome() else {
          return #expect(Bool(false), "not unconfirmed")
        }
        #expect(page.total == 3)
        fixture.database.fail(.other)
        guard case .overtaken = try await prepared.begin().outcome() else {
          return #expect(Bool(false), "an error was taken for an outage")
        }
      }
    }
  }

  @Test func aServerThatDoesNotLookPreparesNothing() async throws {
    try await TestElasticsearch.with("begunnone") { elastic in
      let fixture = try await Fixture(elastic)
      let request = SearchRequest(query: "apple", scope: Self.scope)
      _ = try await fixture.search.search(request)
      let prepared = fixture.search.prepare(request, of: Self.reader)
      #expect(prepared == nil)
    }
  }
}
