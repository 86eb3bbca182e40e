import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// `Tests/SearchScenarios` against each back end, and against messages that the index does not show yet.
@Suite struct SearchScenarioTests {
  @Test func thereAreScenarios() {
    #expect(SearchTheme.all.count >= 10)
    #expect(SearchTheme.all.map(\.scenarios.count).reduce(0, +) >= 150)
    let names = SearchTheme.all.flatMap { theme in theme.scenarios.map { "\(theme): \($0.name)" } }
    #expect(Set(names).count == names.count)
    #expect(SearchTheme.all.allSatisfy { $0.messages.count == $0.documents.count })
  }

  @Test(arguments: SearchTheme.all) func theEmbeddedProfileFinds(theme: SearchTheme) async throws {
    let profile = try await EmbeddedProfile()
    for room in SearchTheme.rooms { _ = try await profile.room(room) }
    let user = try await profile.user("Ann")
    try await profile.database.withTransaction { connection in
      let writer = SQLiteMessageWriter()
      try writer.beginTransaction(connection)
      for var message in theme.messages {
        message.userID = user.id
        try writer.insert(message, ref: nil, connection)
      }
    }
    let search = SQLiteSearch(
      journal: profile.journal, parse: Self.parse,
      resolve: { reference, _ in [Self.room(reference)].compactMap { $0 } }, log: .silent)
    try await expect(theme, "sqlite", search)
  }

  @Test(.enabled(if: TestElasticsearch.isThere), .timeLimit(.minutes(1)), arguments: SearchTheme.all)
  func elasticsearchFinds(theme: SearchTheme) async throws {
    try await TestElasticsearch.with("scenarios") { elastic in
      try await elastic.index(theme.messages.map(RoomEvent.storing))
      try await expect(theme, "elasticsearch", Self.search(elastic, MemoryJournal()))
    }
  }

  @Test(.enabled(if: TestElasticsearch.isThere), .timeLimit(.minutes(1)))
  func whatIsNotIndexedIsFoundAsWell() async throws {
    try await TestElasticsearch.with("scenarios-tail") { elastic in
      for theme in SearchTheme.all {
        let journal = MemoryJournal()
        for message in theme.messages { journal.append(.storing(message)) }
        try await expect(theme, "tail", Self.search(elastic, journal))
      }
    }
  }

  private func expect(_ theme: SearchTheme, _ profile: String, _ search: any Search) async throws {
    for scenario in theme.scenarios where scenario.except[profile] == nil {
      let found = try await search.search(scenario.request).hits.map(SearchScenario.marked)
      let name: Comment = "\(theme): \(scenario.name) (\(scenario.query))"
      // What is not indexed has no score, and comes newest first.
      if profile == "tail", scenario.sort == .relevance {
        #expect(Set(found) == Set(scenario.hits), name)
      } else {
        #expect(found == scenario.hits, name)
      }
    }
  }

  @Sendable private static func parse(_ request: SearchRequest) throws -> SearchQuery {
    let timeZone = try #require(TimeZone(identifier: request.timeZone))
    return try SearchQueryParser(now: SearchTheme.now, timeZone: timeZone, me: request.caller?.name)
      .parse(request.query)
  }

  private static func search(_ elastic: TestElasticsearch, _ journal: MemoryJournal) -> ElasticsearchSearch {
    ElasticsearchSearch(
      client: elastic.client, names: elastic.names, journal: journal, parse: parse,
      resolve: { reference, _ in [room(reference)].compactMap { $0 } }, log: .silent)
  }

  private static func room(_ reference: SearchQuery.RoomReference) -> Room? {
    switch reference {
    case .name(let name): SearchTheme.rooms.firstIndex(of: name).map { .test(RoomID($0) + 1) }
    case .id(let id): SearchTheme.rooms.indices.contains(Int(id) - 1) ? .test(id) : nil
    }
  }
}

extension RoomEvent {
  /// The event that brings a message to its state.
  fileprivate static func storing(_ message: Message) -> RoomEvent {
    RoomEvent(
      kind: message.isDeleted ? .deletion : message.editedAt == nil ? .message : .edit, event: message.event,
      lastSeq: message.seq, message: message, timestamp: message.timestamp, lane: 0, position: 0,
      routing: "\(message.room)", roomKind: .public, nonce: message.event)
  }
}
