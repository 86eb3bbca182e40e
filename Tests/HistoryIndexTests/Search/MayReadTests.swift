import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// A search finds what its caller may read at that moment, all of it, and gives away nothing else.
///
/// A case is one decision about one message: a search over a world of N messages decides N times whether a message is
/// found, and each decision is compared with the model's.
@Suite(.timeLimit(.minutes(2))) struct MayReadTests {
  private final class Judge {
    var cases = 0
    let world: MayReadWorld
    let search: any Search

    init(_ world: MayReadWorld, _ search: any Search) {
      self.world = world
      self.search = search
    }

    /// So many searches at once, each of a user or of nobody.
    func ask(_ count: Int = 1) async throws {
      var questions: [Question] = []
      for _ in 0..<count { questions.append(try await Question(world)) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for question in questions { group.addTask { [search] in try await question.ask(search) } }
        try await group.waitForAll()
      }
      cases += count * world.messageCount
    }
  }

  /// A search as somebody may type it, and all that it must find.
  private struct Question {
    var request: SearchRequest
    var expected: Set<String>
    var users: Int

    init(_ world: MayReadWorld) async throws {
      let user =
        Int.random(in: 0..<10, using: &world.random) == 0
        ? nil : world.users.indices.randomElement(using: &world.random)
      let word = Bool.random(using: &world.random) ? MayReadWorld.words.randomElement(using: &world.random) : nil
      let room = world.rooms.randomElement(using: &world.random)
      var query = word ?? ""
      var chosen: Set<RoomID>?
      if let room, Int.random(in: 0..<4, using: &world.random) == 0 {
        query += room.room.kind == .public && !room.isClosed ? " in:\(room.room.name ?? "")" : " in:#\(room.room.id)"
        chosen = [room.room.id]
      }
      expected = world.expected(user, word: word, in: chosen)
      users = world.users.count
      request = SearchRequest(
        query: query, scope: try await world.scope(of: user),
        sort: [.recent, .oldest].randomElement(using: &world.random) ?? .recent,
        limit: 100, caller: user.map { world.users[$0] }, facets: [.room, .user],
        deadline: .now + .seconds(60))
    }

    /// Through all of its pages, with counts and facets.
    func ask(_ search: any Search) async throws {
      let what: Comment = "\(request.query) of \(request.caller?.name ?? "nobody")"
      var request = request
      var found: [String] = []
      repeat {
        let page = try await search.search(request)
        #expect(page.isComplete)
        #expect(page.total == expected.count && !page.isTotalLowerBound, what)
        let byUser = page.facets?.buckets[.user]?.reduce(0) { $0 + $1.count }
        let byRoom = page.facets?.buckets[.room]?.map(\.value) ?? []
        #expect(byUser == expected.count || users > SearchFacets.mostBuckets)
        #expect(byRoom.allSatisfy { id in expected.contains { $0.hasPrefix("\(id)-") } })
        found += page.hits.map(\.message.id)
        request.cursor = page.next
      } while request.cursor != nil
      #expect(found.count == Set(found).count)
      #expect(Set(found) == expected, what)
    }
  }

  @Test func theEmbeddedProfileNeverFindsWhatIsForbiddenAndMissesNothing() async throws {
    var cases = 0
    for seed in UInt64(1)...2 {
      let world = try await MayReadWorld(users: 20, rooms: 40, seed: seed)
      let judge = Judge(world, world.profile.search)
      for turn in 0..<1_200 {
        try await world.step()
        if turn > 300, turn % 3 == 0 { try await judge.ask() }
      }
      cases += judge.cases
    }
    #expect(cases >= 100_000)
  }

  /// Some of the events are in the index, refreshed or not, the rest in the journal alone.
  @Test(.enabled(if: TestElasticsearch.isThere))
  func elasticsearchNeverFindsWhatIsForbiddenAndMissesNothing() async throws {
    try await TestElasticsearch.with("mayread") { elastic in
      let world = try await MayReadWorld(users: 20, rooms: 40, seed: 7)
      let journal = MemoryJournal()
      let store = world.profile.store
      let search = ElasticsearchSearch(
        client: elastic.client, names: elastic.names, journal: journal, standings: nil, rooms: store,
        log: .silent)
      let judge = Judge(world, search)
      var passed = 0
      for turn in 0..<1_500 {
        try await world.step()
        guard turn > 300, turn % 5 == 0 else { continue }
        for event in world.events[passed...] { journal.append(event) }
        let documents = world.events[passed...].filter(MessageDocument.concerns)
        passed = world.events.count
        // Some is in the index before the journal says so.
        if turn % 20 == 0 { try await write(documents, to: elastic) }
        if turn % 100 == 0 {
          try await write(world.events.filter(MessageDocument.concerns), to: elastic)
          journal.markIndexed()
        }
        try await judge.ask(3)
      }
      #expect(judge.cases >= 100_000)
    }
  }

  /// Without a refresh. What is there already is refused by its version.
  private func write(_ events: [RoomEvent], to elastic: TestElasticsearch) async throws {
    guard !events.isEmpty else { return }
    var batch = BulkBatch()
    for event in events { batch.append(event) }
    let reply = try await elastic.client.bulk(into: elastic.names.write, body: batch.body, timeout: .seconds(20))
    guard reply.status == 200 else { throw ElasticsearchError(reply) }
  }

  @Test(.enabled(if: TestElasticsearch.isThere)) func whoIsRemovedBetweenTwoPagesSeesNoMore() async throws {
    try await TestElasticsearch.with("removed") { elastic in
      let world = try await MayReadWorld(users: 3, rooms: 6, seed: 11)
      let journal = MemoryJournal()
      while world.messageCount < 200 { try await world.step() }
      for event in world.events { journal.append(event) }
      let elasticsearch = ElasticsearchSearch(
        client: elastic.client, names: elastic.names, journal: journal, standings: nil,
        rooms: world.profile.store, log: .silent)
      for search in [elasticsearch as any Search, world.profile.search] {
        for (index, model) in world.rooms.enumerated() where model.room.kind != .public && !model.isClosed {
          try await world.join(index, 0)
          var request = SearchRequest(
            query: "", scope: try await world.scope(of: 0), limit: 10, caller: world.users[0],
            deadline: .now + .seconds(60))
          request.cursor = try await search.search(request).next
          try await world.remove(index, 0)
          while request.cursor != nil {
            request.scope = try await world.scope(of: 0)
            let page = try await search.search(request)
            #expect(page.hits.allSatisfy { $0.message.room != model.room.id })
            #expect(page.total == world.expected(0, word: nil).count)
            request.cursor = page.next
          }
        }
      }
    }
  }

  @Test(.enabled(if: TestElasticsearch.isThere)) func aUserOfFiveThousandRoomsFindsTheMessagesOfAll() async throws {
    try await TestElasticsearch.with("fivethousand") { elastic in
      let rooms = (1...5_000).map { RoomID($0 * 2) }
      let own = stride(from: 0, to: 5_000, by: 500).map { rooms[$0] } + [10_000]
      try await elastic.index(
        own.map { .sent(room: $0, seq: 1, "needle", at: $0, kind: .private) }
          + own.map { .sent(room: $0 + 1, seq: 1, "needle", at: $0, kind: .private) })
      let search = ElasticsearchSearch(
        client: elastic.client, names: elastic.names, journal: MemoryJournal(), resolve: { _, _ in [] }, log: .silent)
      let page = try await search.search(
        SearchRequest(
          query: "needle", scope: ReadScope(isUnlimited: false, rooms: rooms, closedRooms: []), limit: 100,
          facets: [.room]))
      #expect(page.hits.map(\.message.room).sorted() == own.sorted())
      #expect(page.total == own.count && page.facets?.buckets[.room]?.count == own.count)
    }
  }
}
