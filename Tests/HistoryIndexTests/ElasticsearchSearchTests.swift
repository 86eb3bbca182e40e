import ChatRooms
import Drivers
import FakeHTTPServer
import Foundation
import Testing

@testable import HistoryIndex

/// On the real Elasticsearch that `PALAVER_TEST_ELASTICSEARCH` names (`http://host:port`).
@Suite(.enabled(if: TestElasticsearch.isThere), .timeLimit(.minutes(1))) struct ElasticsearchSearchTests {
  private static let everything = ReadScope(isUnlimited: true, rooms: [], closedRooms: [])

  private func search(
    _ elastic: TestElasticsearch, _ query: SearchQuery, _ change: (inout SearchRequest) -> Void = { _ in }
  ) async throws -> SearchPage {
    var request = SearchRequest(query: "\(query)", scope: Self.everything, limit: 100)
    change(&request)
    let search = ElasticsearchSearch(
      client: elastic.client, names: elastic.names, journal: MemoryJournal(), parse: { _ in query },
      resolve: { reference, _ in
        switch reference {
        case .id(let id): [.test(id)]
        case .name(let name): name == "general" ? [.test(1)] : []
        }
      }, log: .silent, deadline: .seconds(30))
    return try await search.search(request)
  }

  private func texts(_ page: SearchPage) -> Set<String> { Set(page.hits.map(\.message.text)) }

  private func events(_ texts: [String], room: RoomID = 1) -> [RoomEvent] {
    texts.enumerated().map { .sent(room: room, seq: Int64($0) + 1, $1, at: 1_000 + Int64($0)) }
  }

  @Test func wordsAreFoundInAnyScriptCaseAndSpelling() async throws {
    try await TestElasticsearch.with("words") { elastic in
      let cases: [(text: String, queries: [SearchQuery])] = [
        ("Le Café de la gare", [.word("cafe"), .word("CAFÉ"), .prefix("Caf"), .phrase("cafe de")]),
        ("decomposed cafe\u{301} crème", [.word("café"), .word("crème")]),
        ("今日は東京都に行きます", [.word("東京"), .word("都"), .prefix("行き"), .phrase("東京都に")]),
        ("我喜欢编程", [.word("编程"), .word("我")]),
        ("see foo_bar.rs and v1.2.3", [.word("foo_bar.rs"), .word("bar"), .prefix("foo_ba"), .word("v1.2.3")]),
        ("https://docs.swift.org/book?x=1#top", [.word("swift"), .link(host: "swift.org"), .has(.link)]),
        ("done ✅ ship it 🚀", [.word("✅"), .word("🚀")]),
        ("to be or not to be", [.phrase("to be or not to be")]),
        ("ｆｕｌｌｗｉｄｔｈ text", [.word("fullwidth"), .prefix("fullw"), .prefix("ｆｕｌｌ")]),
        ("Οδός", [.word("ΟΔΟΣ"), .prefix("οδο")]),
        ("Straße und Œuvre", [.prefix("strass"), .prefix("oeu"), .word("strasse")]),
        ("йод и ёлка", [.prefix("йо"), .word("ЙОД")]),
        ("@Bob look at `let x`", [.mentions("Bob"), .has(.mention), .has(.code)]),
      ]
      try await elastic.index(events(cases.map(\.text)))
      for (text, queries) in cases {
        for query in queries {
          #expect(texts(try await search(elastic, query)).contains(text), "\(query) does not find \(text)")
        }
      }
      #expect(texts(try await search(elastic, .everything)).count == cases.count)
      #expect(texts(try await search(elastic, .word("gare tour"))).isEmpty)
    }
  }

  @Test func symbolsAndSubstringsAreLookedForInTheTexts() async throws {
    try await TestElasticsearch.with("symbols") { elastic in
      try await elastic.index(
        events([
          "I like C++ most", "C is fine", "vitamin c", "issue #12 is open", "issue #123 is open", "12 monkeys",
          "std::vector", "std vector", "a -> b", "HelloWorld", "helloworld", "costs $5", "50% off",
        ]))
      let expected: [(SearchQuery, Set<String>)] = [
        (.word("C++"), ["I like C++ most"]),
        (.word("#12"), ["issue #12 is open"]),
        (.word("std::vector"), ["std::vector"]),
        (.word("->"), ["a -> b"]),
        (.literal("lloWor"), ["HelloWorld"]),
        (.literal("-> b"), ["a -> b"]),
        (.word("$5"), ["costs $5"]),
        (.all([.word("c"), .not(.word("C++"))]), ["C is fine", "vitamin c"]),
        (.any([.word("C++"), .word("monkeys")]), ["I like C++ most", "12 monkeys"]),
        (.all([.word("issue"), .not(.literal("#12 "))]), ["issue #123 is open"]),
        (.word("really?"), []),
        (.word("open!"), ["issue #12 is open", "issue #123 is open"]),
      ]
      for (query, texts) in expected {
        let page = try await search(elastic, query)
        #expect(self.texts(page) == texts, "\(query)")
        #expect(page.isComplete)
        #expect(page.total == texts.count)
      }
      let first = try await search(elastic, .word("open")) { $0.limit = 1 }
      #expect(first.hits.map(\.message.text) == ["issue #123 is open"])
      #expect(first.total == 2 && !first.isTotalLowerBound)
    }
  }

  @Test func authorsRoomsTimesAndNegationCombine() async throws {
    try await TestElasticsearch.with("filters") { elastic in
      try await elastic.index([
        .sent(room: 1, seq: 1, user: "John", "red apple", at: 1_000),
        .sent(room: 2, seq: 1, user: "john", "red car", at: 2_000),
        .sent(room: 1, seq: 2, user: "Ann", "green apple", at: 3_000),
      ])
      let expected: [(SearchQuery, Set<String>)] = [
        (.author("John"), ["red apple"]),
        (.room(.name("general")), ["red apple", "green apple"]),
        (.room(.id(2)), ["red car"]),
        (.room(.name("nowhere")), []),
        (.not(.room(.name("nowhere"))), ["red apple", "red car", "green apple"]),
        (.time(from: 1_000, to: 3_000), ["red apple", "red car"]),
        (.time(from: 2_001, to: nil), ["green apple"]),
        (.all([.word("red"), .not(.word("car"))]), ["red apple"]),
        (.not(.not(.word("car"))), ["red car"]),
        (.any([]), []), (.all([]), ["red apple", "red car", "green apple"]),
        (.any([.word("car"), .word("green")]), ["red car", "green apple"]),
      ]
      for (query, texts) in expected { #expect(self.texts(try await search(elastic, query)) == texts, "\(query)") }
    }
  }

  @Test func onlyWhatTheCallerMayReadIsFound() async throws {
    try await TestElasticsearch.with("scope") { elastic in
      try await elastic.index([
        .sent(room: 1, seq: 1, "public word"), .sent(room: 2, seq: 1, "mine word", kind: .private),
        .sent(room: 3, seq: 1, "theirs word", kind: .direct), .sent(room: 4, seq: 1, "closed word"),
        RoomEvent.sent(room: 1, seq: 2, "gone word").deleted(event: 3),
      ])
      let many = Array(10_000...15_000).map { RoomID($0) }
      let scope = ReadScope(isUnlimited: false, rooms: [2] + many, closedRooms: [4])
      #expect(texts(try await search(elastic, .word("word")) { $0.scope = scope }) == ["public word", "mine word"])
      #expect(texts(try await search(elastic, .everything) { $0.scope = scope }) == ["public word", "mine word"])
      #expect(
        texts(
          try await search(elastic, .everything) {
            $0.scope = scope
            $0.rooms = [.test(3)]
          }
        ).isEmpty)
      #expect(texts(try await search(elastic, .room(.id(3))) { $0.scope = scope }).isEmpty)
      #expect(
        texts(try await search(elastic, .not(.word("zzz"))) { $0.scope = scope }) == ["public word", "mine word"])
    }
  }

  @Test(arguments: [SearchSort.recent, .oldest, .relevance])
  func pagesNeitherDoubleNorSkipUnderWrites(sort: SearchSort) async throws {
    try await TestElasticsearch.with("pages") { elastic in
      // Many share a timestamp: the room's number and the message's decide.
      var old: [RoomEvent] = []
      for number in Int64(0)..<60 {
        let (room, seq) = (8 + number % 4, number / 4 + 1)
        old.append(.sent(room: room, seq: seq, "word \(number)", at: 1_000 + number / 20))
      }
      try await elastic.index(old)
      var seen: [Message] = []
      var cursor: String?
      var written = Int64(0)
      repeat {
        let page = try await search(elastic, .word("word")) {
          $0.sort = sort
          $0.limit = 7
          $0.cursor = cursor
          $0.query = "word"
        }
        #expect(page.hits.count <= 7)
        seen += page.hits.map(\.message)
        cursor = page.next
        written += 1
        if sort != .oldest || written < 3 {
          try await elastic.index([.sent(room: 50, seq: written, "word word word", at: 9_000)])
        }
      } while cursor != nil
      let pages = seen.map(\.id)
      #expect(Set(pages).count == pages.count)
      if sort == .relevance { return }
      #expect(Set(old.map(\.message.id)).isSubset(of: Set(pages)))
      let ordered = seen.sorted { SearchPosition($0, score: nil).precedes($1, .oldest) }
      #expect(pages == (sort == .oldest ? ordered : ordered.reversed()).map(\.id))
    }
  }

  @Test func highlightsCountUTF16UnitsOfTheText() async throws {
    try await TestElasticsearch.with("highlights") { elastic in
      let text = "😀 \u{E000}\u{E001} Café & <b>cafés</b> cafe"
      try await elastic.index(events([text]))
      let hit = try #require(try await search(elastic, .word("cafe")).hits.first)
      let units = Array(text.utf16)
      let marked = hit.highlights.map { String(decoding: units[$0.start..<$0.start + $0.length], as: UTF16.self) }
      #expect(marked == ["Café", "cafe"])
    }
  }

  /// Whatever is typed has an answer, and costs no more than a few looks at every word that there is.
  @Test func theWorstQueriesAreAnswered() async throws {
    try await TestElasticsearch.with("worst") { elastic in
      let text = String(repeating: "ab", count: 495)
      try await elastic.index(events([text, "a b c", String(repeating: "日本", count: 450)]))
      let letters = "abcdefghijklmnopqrstuvwxyz".map { SearchQuery.prefix(String($0)) }
      #expect(texts(try await search(elastic, .literal(text))) == [text])
      #expect(texts(try await search(elastic, .any(letters))) == [text, "a b c"])
      #expect(texts(try await search(elastic, .all(letters))).isEmpty)
      #expect(try await search(elastic, .phrase(String(repeating: "日本", count: 400))).hits.count == 1)
      let literals = (0..<60).map { SearchQuery.literal("b\($0)") }
      #expect(texts(try await search(elastic, .any(literals + [.literal("b c")]))) == ["a b c"])
      let words = (0..<500).map { SearchQuery.word("\($0 % 10)") }
      #expect(texts(try await search(elastic, .all(words)) { $0.sort = .relevance }).isEmpty)
      #expect(texts(try await search(elastic, .any(words)) { $0.sort = .relevance }).isEmpty)
    }
  }

  @Test func aCursorOfAnotherSearchIsRefused() async throws {
    try await TestElasticsearch.with("cursor") { elastic in
      try await elastic.index(events(["word a", "word b"]))
      let next = try #require(try await search(elastic, .word("word")) { $0.limit = 1 }.next)
      for cursor in [next, "", "nonsense", "AAAA", String(repeating: "A", count: 44)] {
        let error = await #expect(throws: ChatError.self) {
          try await search(elastic, .word("other")) { $0.cursor = cursor }
        }
        #expect(error?.word == "invalid_cursor")
      }
    }
  }
}

/// From what a user types to what is found. On the Elasticsearch that `PALAVER_TEST_ELASTICSEARCH` names.
@Suite(.enabled(if: TestElasticsearch.isThere), .timeLimit(.minutes(1))) struct TypedSearchTests {
  @Test func whatIsTypedIsFound() async throws {
    try await TestElasticsearch.with("typed") { elastic in
      let day: Milliseconds = 86_400_000
      try await elastic.index([
        .sent(room: 1, seq: 1, user: "John", "the quick brown fox", at: 20_000 * day),
        .sent(room: 1, seq: 2, user: "Ann", "see #12 in parser.swift", at: 20_001 * day),
        .sent(room: 2, seq: 1, user: "Ann", "@John quick question https://swift.org/x", at: 20_002 * day),
      ])
      let expected: [(String, [Int64])] = [
        ("", [20_002, 20_001, 20_000]), ("quick", [20_002, 20_000]), ("quick -fox", [20_002]),
        ("\"brown fox\"", [20_000]),
        ("from:Ann", [20_002, 20_001]), ("in:general", [20_001, 20_000]), ("in:#2", [20_002]), ("#12", [20_001]),
        ("pars*", [20_001]), ("mentions:me", [20_002]), ("has:link", [20_002]), ("link:swift.org", [20_002]),
        ("fox OR question", [20_002, 20_000]), ("`QUICK`", []), ("`ick br`", [20_000]), ("before:2024-10-05", [20_000]),
        ("on:2024-10-05", [20_001]), ("-in:general", [20_002]), ("from:Nobody OR from:John", [20_000]),
      ]
      let search = ElasticsearchSearch(
        client: elastic.client, names: elastic.names, journal: MemoryJournal(),
        resolve: { reference, _ in
          switch reference {
          case .name(let name): name == "general" ? [.test(1)] : []
          case .id(let id): [.test(id)]
          }
        }, log: .silent, deadline: .seconds(30))
      let john = User(id: 7, name: "John", displayName: nil, createdAt: 0)
      for (typed, days) in expected {
        let scope = ReadScope(isUnlimited: false, rooms: [], closedRooms: [])
        let page = try await search.search(SearchRequest(query: typed, scope: scope, caller: john))
        #expect(page.hits.map { $0.message.timestamp / day } == days, "\(typed)")
      }
    }
  }
}

@Suite struct SearchFailureTests {
  @Test(arguments: [
    FakeHTTPServer.Answer.reply(
      503, #"{"error":{"type":"search_phase_execution_exception","reason":"all shards failed"}}"#),
    .reset, .reply(200, "nonsense"), .reply(200, "{}"), .reply(404, "{}"),
    .reply(200, #"{"hits":{"hits":[{}],"total":{}}}"#),
  ])
  func anIndexThatDoesNotAnswerIsUnavailable(answer: FakeHTTPServer.Answer) async throws {
    let server = try FakeHTTPServer { _ in answer }
    defer { server.stop() }
    let elastic = TestElasticsearch("fake", origin: server.origin)
    defer { elastic.http.close() }
    let search = ElasticsearchSearch(
      client: elastic.client, names: elastic.names, journal: MemoryJournal(), parse: { _ in .everything },
      resolve: { _, _ in [] }, log: .silent, deadline: .seconds(30))
    let scope = ReadScope(isUnlimited: true, rooms: [], closedRooms: [])
    let error = await #expect(throws: ChatError.self) {
      try await search.search(SearchRequest(query: "", scope: scope))
    }
    #expect(error?.status == 503)
    let history = JournaledHistory(
      journal: MemoryJournal(), index: ElasticsearchHistory(client: elastic.client, names: elastic.names), log: .silent)
    let hole = await #expect(throws: ChatError.self) { try await history.messages(in: .test(1), seqs: 1...3) }
    #expect(hole?.status == 503)
  }

  @Test func aShardThatFailedMakesASearchIncompleteAndHistoryUnavailable() async throws {
    let server = try FakeHTTPServer { _ in
      .reply(
        200,
        #"{"timed_out":false,"_shards":{"total":2,"successful":1,"failed":1},"hits":{"total":{"value":0,"relation":"eq"},"hits":[]}}"#
      )
    }
    defer { server.stop() }
    let elastic = TestElasticsearch("fake", origin: server.origin)
    defer { elastic.http.close() }
    let search = ElasticsearchSearch(
      client: elastic.client, names: elastic.names, journal: MemoryJournal(), parse: { _ in .everything },
      resolve: { _, _ in [] }, log: .silent, deadline: .seconds(30))
    let scope = ReadScope(isUnlimited: true, rooms: [], closedRooms: [])
    #expect(try await !search.search(SearchRequest(query: "", scope: scope)).isComplete)
    let history = ElasticsearchHistory(client: elastic.client, names: elastic.names)
    await #expect(throws: (any Error).self) { try await history.messages(room: .test(1), seqs: 1...3) }
  }

  @Test func aWholeJournalNeedsNoIndex() async throws {
    let elastic = TestElasticsearch("none", origin: "http://127.0.0.1:1")
    defer { elastic.http.close() }
    let journal = MemoryJournal()
    for seq in Int64(1)...5 { journal.append(.sent(seq: seq, "m\(seq)")) }
    let history = JournaledHistory(
      journal: journal, index: ElasticsearchHistory(client: elastic.client, names: elastic.names), log: .silent)
    #expect(try await history.messages(in: .test(1), seqs: 2...5).map(\.text) == ["m2", "m3", "m4", "m5"])
  }
}
