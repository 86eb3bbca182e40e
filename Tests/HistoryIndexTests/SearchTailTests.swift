import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

@Suite struct SearchPatternTests {
  private func finds(_ text: String, _ phrase: String, isPrefix: Bool = false) -> [String] {
    let units = Array(text.utf16)
    let pattern = SearchPattern(isPrefix ? .prefix(phrase) : .phrase(phrase))
    return pattern?.ranges(in: AnalyzedText(text)).map { String(decoding: units[$0], as: UTF16.self) } ?? []
  }

  @Test func wordsAreCutAsTheIndexCutsThem() {
    #expect(finds("Le Café, le CAFE\u{301}", "cafe") == ["Café", "CAFE\u{301}"])
    #expect(finds("今日は東京都", "東京") == ["東京"])
    #expect(finds("see foo_bar.rs", "bar.rs") == ["bar.rs"])
    #expect(finds("ship 🚀🚀 it", "🚀") == ["🚀", "🚀"])
    #expect(finds("to be or not", "be not") == [])
    #expect(finds("national finals", "fin", isPrefix: true) == ["finals"])
    #expect(finds("anything", "") == [])
    #expect(finds("Οδός ٣ Straße", "οδοσ 3 STRASSE") == ["Οδός ٣ Straße"])
  }
}

@Suite struct SearchTailStateTests {
  private func tail(_ journal: MemoryJournal) -> SearchTail { SearchTail(journal: journal) {} }

  @Test func whatIsNotIndexedIsThereAndWhatIsTrimmedMeansNothing() async throws {
    let journal = MemoryJournal(laneCount: 2)
    let tail = tail(journal)
    #expect(await tail.current().entries.isEmpty)
    journal.append(.sent(room: 1, seq: 1, "one"))
    journal.append(.sent(room: 2, seq: 1, "two"))
    journal.append(RoomEvent.sent(room: 1, seq: 1, "one").edited(event: 2, "changed"))
    let view = await tail.current()
    #expect(view.entries.mapValues(\.message.text) == ["1|1": "changed", "2|1": "two"])
    #expect(view.freshAsOf > 1_700_000_000_000)
  }

  @Test func farBehindTheNewestAreKeptAndFreshnessIsHonest() async throws {
    let journal = MemoryJournal(laneCount: 1)
    for seq in Int64(1)...5_000 { journal.append(.sent(seq: seq, "m", at: seq)) }
    let view = await tail(journal).current()
    #expect(view.entries.count == 2_000 && view.entries["1|5000"] != nil)
    #expect(view.freshAsOf == 0)
  }

  @Test func whileTheJournalIsDownWhatWasKnownHolds() async throws {
    let journal = MemoryJournal(laneCount: 1)
    let tail = tail(journal)
    journal.append(.sent(seq: 1, "one"))
    let before = await tail.current()
    journal.setDown(true)
    let after = await tail.current()
    #expect(after.entries.count == 1 && after.freshAsOf == before.freshAsOf)
  }

  @Test func manySearchesAtOnceSeeEachEventOnce() async throws {
    let journal = MemoryJournal(laneCount: 4)
    for seq in Int64(1)...100 { journal.append(.sent(room: seq % 7, seq: seq, "m")) }
    let tail = tail(journal)
    await withTaskGroup(of: Int.self) { group in
      for _ in 0..<20 { group.addTask { await tail.current().entries.count } }
      for await count in group { #expect(count == 100) }
    }
  }
}

/// On the real Elasticsearch that `PALAVER_TEST_ELASTICSEARCH` names (`http://host:port`).
@Suite(.enabled(if: TestElasticsearch.isThere), .timeLimit(.minutes(1))) struct FoundAtOnceTests {
  private static let everything = ReadScope(isUnlimited: true, rooms: [], closedRooms: [])

  private func search(_ elastic: TestElasticsearch, _ journal: MemoryJournal, _ tree: SearchQuery)
    -> ElasticsearchSearch
  {
    ElasticsearchSearch(
      client: elastic.client, names: elastic.names, journal: journal, parse: { _ in tree }, resolve: { _, _ in [] },
      log: .silent, deadline: .seconds(30))
  }

  @Test func theTailIsFoundAndHidesWhatTheIndexStillHolds() async throws {
    try await TestElasticsearch.with("tail") { elastic in
      let journal = MemoryJournal()
      let old = (1...4).map { RoomEvent.sent(seq: Int64($0), "apple \($0)", at: Int64($0)) }
      try await elastic.index(old)
      for event in old { journal.append(event) }
      journal.markIndexed()
      journal.append(old[1].edited(event: 5, "pear 2"))
      journal.append(old[2].deleted(event: 6))
      journal.append(.sent(seq: 5, event: 7, "apple 5", at: 5))
      journal.append(.sent(room: 2, seq: 1, "apple hidden", at: 6, kind: .private))
      let scope = ReadScope(isUnlimited: false, rooms: [], closedRooms: [])
      let search = search(elastic, journal, .word("apple"))
      let page = try await search.search(SearchRequest(query: "apple", scope: scope))
      #expect(page.hits.map(\.message.text) == ["apple 5", "apple 4", "apple 1"])
      #expect(page.hits[0].highlights == [Highlight(start: 0, length: 5)])
      #expect(page.total == 3)
      #expect(page.freshAsOf > 1_700_000_000_000)
      let admin = try await search.search(SearchRequest(query: "apple", scope: Self.everything, sort: .relevance))
      #expect(Set(admin.hits.map(\.message.text)) == ["apple 5", "apple 4", "apple 1", "apple hidden"])
      let literal = try await self.search(elastic, journal, .literal("ear 2"))
        .search(SearchRequest(query: "`ear 2`", scope: scope))
      #expect(literal.hits.map(\.message.seq) == [2])
    }
  }

  @Test(arguments: [1, 2, 7]) func byRelevanceEachComesOnceAndNoneIsLeftOut(limit: Int) async throws {
    try await TestElasticsearch.with("tailrank") { elastic in
      let journal = MemoryJournal()
      let old = (1...20).map { RoomEvent.sent(seq: Int64($0), "apple \($0)") }
      try await elastic.index(old)
      for event in old { journal.append(event) }
      journal.markIndexed()
      journal.append(.sent(seq: 21, "apple 21"))
      let search = search(elastic, journal, .word("apple"))
      var seen: [Int64] = []
      var cursor: String?
      repeat {
        let request = SearchRequest(
          query: "a", scope: Self.everything, sort: .relevance, limit: limit, cursor: cursor)
        let page = try await search.search(request)
        #expect(page.total == 21)
        seen += page.hits.map(\.message.seq)
        cursor = page.next
      } while cursor != nil
      #expect(seen.first == 21)
      #expect(seen.sorted() == Array(1...21))
    }
  }

  @Test(arguments: [SearchSort.recent, .oldest])
  func pagesOverIndexAndTailNeitherDoubleNorSkip(sort: SearchSort) async throws {
    try await TestElasticsearch.with("tailpages") { elastic in
      let journal = MemoryJournal()
      var all: [RoomEvent] = []
      for number in Int64(0)..<40 {
        // Some of the old ones are in the tail (edited), and most of the new ones.
        all.append(.sent(room: 8 + number % 4, seq: number / 4 + 1, "apple", at: 1_000 + number / 3))
      }
      try await elastic.index(Array(all[..<30]))
      for event in all[..<30] { journal.append(event) }
      journal.markIndexed()
      journal.append(all[3].edited(event: 90, "apple again"))
      for event in all[30...] { journal.append(event) }
      let search = search(elastic, journal, .word("apple"))
      var seen: [Message] = []
      var cursor: String?
      repeat {
        let request = SearchRequest(query: "a", scope: Self.everything, sort: sort, limit: 7, cursor: cursor)
        let page = try await search.search(request)
        seen += page.hits.map(\.message)
        cursor = page.next
      } while cursor != nil
      let ordered = all.map(\.message).sorted { SearchPosition($0, score: nil).precedes($1, sort) }
      #expect(seen.map(\.id) == ordered.map(\.id))
    }
  }

  @Test func everyMessageIsInTheNextSearchWhileAnIndexerRuns() async throws {
    try await TestElasticsearch.with("atonce") { elastic in
      let journal = MemoryJournal()
      let search = search(elastic, journal, .everything)
      let indexer = elastic.indexer(journal)
      let task = Task { await indexer.run() }
      for number in Int64(1)...150 {
        journal.append(.sent(room: number % 3, seq: (number + 2) / 3, "m", at: number))
        indexer.wake()
        let page = try await search.search(SearchRequest(query: "", scope: Self.everything, limit: 100))
        #expect(page.total == Int(number))
        #expect(page.hits.map(\.message.timestamp) == (max(1, number - 99)...number).reversed())
      }
      task.cancel()
      await task.value
    }
  }
}
