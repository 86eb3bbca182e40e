import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

@Suite struct SQLiteSearchTests {
  private let time = TestTime(1_700_000_000_000)
  private let profile: EmbeddedProfile
  private let john: User
  private let jane: User
  private let room: Room

  init() async throws {
    let time = time
    profile = try await EmbeddedProfile { time.value }
    john = try await profile.user("John")
    jane = try await profile.user("Jane D.")
    room = try await profile.room("tea", by: john)
  }

  @Test(
    arguments: [
      ("hello", ["Hello, World"]), ("world hello", ["Hello, World"]), ("wor*", ["Hello, World"]), ("wor", []),
      ("\"hello world\"", ["Hello, World"]), ("\"world hello\"", []),
      ("cafe", ["Ein Café"]), ("CAFÉ", ["Ein Café"]), ("京", ["東京都"]), ("東京", ["東京都"]), ("都東", []),
      ("bar", ["see foo_bar.rs"]), ("foo_bar.rs", ["see foo_bar.rs"]), ("foo bar", ["see foo_bar.rs"]),
      ("c++", ["I like C++ and C"]), ("#12", ["issue #12"]), ("12", ["issue #12"]),
      ("👍", ["great 👍"]), ("-great 👍", []), ("great OR issue", ["issue #12", "great 👍"]),
      ("`C++ a`", ["I like C++ and C"]), ("`c++`", []), ("`like C`", ["I like C++ and C"]),
      ("`ike C++ an`", ["I like C++ and C"]),
      ("to be", ["to be or not to be"]), ("the", []),
      ("has:link", ["https://docs.swift.org/x y"]), ("link:swift.org", ["https://docs.swift.org/x y"]),
      ("mentions:John", ["hey @John!"]), ("has:mention", ["hey @John!"]), ("has:code", ["run `x`"]),
      ("->", ["a -> b"]), ("\"a -> b\"", ["a -> b"]), ("OR", ["to be or not to be"]),
      ("\"\"", nil), ("", nil), ("zzz OR -zzz", nil), ("in:tea", nil), ("in:nowhere", []), ("from:John", nil),
      ("from:\"Jane D.\"", []), ("-from:John", []), ("before:2000", []), ("after:2000", nil),
      ("hello OR before:2000", ["Hello, World"]), ("hello -before:2000", ["Hello, World"]),
      ("\" ' ( ) * : ^ AND NOT NEAR(", []),
    ] as [(String, [String]?)])
  func whatIsSearchedIsFound(query: String, expected: [String]?) async throws {
    let texts = [
      "Hello, World", "Ein Café", "東京都", "see foo_bar.rs", "I like C++ and C", "issue #12", "great 👍",
      "to be or not to be", "https://docs.swift.org/x y", "hey @John!", "run `x`", "a -> b",
    ]
    try profile.send(texts, to: room, by: john)
    let found = try await profile.find(query)
    #expect(Set(found) == Set(expected ?? texts), "\(query)")
    #expect(try await Set(profile.find(query, sort: .relevance)) == Set(found))
    #expect(try await profile.find(query, sort: .oldest) == found.reversed())
    #expect(try await profile.page(query).total == found.count)
  }

  @Test func whatWasSentBefore1970IsOfItsOwnMonth() async throws {
    let message = Message(
      room: room.id, seq: 1, event: 1, revised: 1, user: john.name, userID: john.id, text: "old", timestamp: -1_000)
    try await profile.database.withTransaction { connection in
      let writer = SQLiteMessageWriter()
      try writer.beginTransaction(connection)
      try writer.insert(message, ref: nil, connection)
    }
    let scope = ReadScope(isUnlimited: true, rooms: [], closedRooms: [])
    let page = try await profile.search.search(SearchRequest(query: "old", scope: scope, facets: [.month]))
    #expect(page.facets?.buckets[.month]?.map(\.value) == ["1969-12"])
  }

  @Test func anEditedMessageIsFoundByItsNewText() async throws {
    let message = try profile.send(["old words"], to: room, by: john)[0]
    try profile.commit([
      Submission(room: room, action: .edit(base: message, text: "new https://a.b words"), actor: john, ref: nil)
    ])
    #expect(try await profile.find("old").isEmpty)
    #expect(try await profile.find("new words has:edit has:link").count == 1)
  }

  @Test func onlyWhatMayBeReadIsFound() async throws {
    let secret = try await profile.room("secret", .private, by: john)
    let gone = try await profile.room("gone")
    for room in [room, secret, gone] { try profile.send(["word \(room.name ?? "")"], to: room, by: john) }
    try profile.commit([Submission(room: gone, action: .close, actor: john, ref: nil)])
    let own = try await profile.store.readScope(of: john.id, isAdmin: false)
    let others = try await profile.store.readScope(of: jane.id, isAdmin: false)
    let admin = try await profile.store.readScope(of: nil, isAdmin: true)
    #expect(try await profile.find("word", scope: others) == ["word tea"])
    #expect(try await Set(profile.find("word", scope: own)) == ["word tea", "word secret"])
    #expect(try await Set(profile.find("word", scope: admin)) == ["word tea", "word secret"])
    #expect(try await profile.find("word -zzz", rooms: [secret], scope: others) == [])
    #expect(try await profile.page("word OR zzz", scope: others).total == 1)
    #expect(try await profile.find("", rooms: [room], scope: own) == ["word tea"])
    let closed = ReadScope(isUnlimited: true, rooms: [], closedRooms: [room.id])
    #expect(try await profile.find("word", scope: closed) == ["word secret"])
  }

  @Test(arguments: [SearchSort.recent, .oldest])
  func pagesNeitherDoubleNorSkipUnderWrites(sort: SearchSort) async throws {
    let other = try await profile.room("other")
    // Many of one millisecond, in two rooms.
    for number in 0..<60 {
      try profile.send(["word \(number)"], to: number % 3 == 0 ? other : room, by: john)
      if number % 7 == 0 { time.value += 1 }
    }
    let expected = try await profile.page("word", sort: sort).hits.map(\.message)
    let key = { (message: Message) in (message.timestamp, message.room, message.seq) }
    #expect(expected == expected.sorted { sort == .oldest ? key($0) < key($1) : key($0) > key($1) })
    for limit in [1, 3, 7, 60] {
      var found: [Message] = []
      var cursor: String?
      repeat {
        let page = try await profile.page("word", sort: sort, limit: limit, cursor: cursor)
        found += page.hits.map(\.message)
        cursor = page.next
        time.value += 1
        if sort == .recent { try profile.send(["word new"], to: room, by: john) }
      } while cursor != nil && found.count < 1_000
      let old = found.filter { $0.text != "word new" || expected.contains($0) }
      #expect(
        old == expected.filter { $0.text != "word new" } || sort == .recent && Set(old.map(\.id)).count == old.count)
      #expect(Set(found.map(\.id)).count == found.count)
      #expect(Set(found.map(\.id)).isSuperset(of: expected.map(\.id)))
    }
  }

  @Test func relevanceEndsAfterAThousandAndNeverDoubles() async throws {
    try profile.send((0..<1_100).map { "word " + String(repeating: "filler ", count: $0 % 50) }, to: room, by: john)
    var found: [String] = []
    var scores: [Double] = []
    var cursor: String?
    repeat {
      let page = try await profile.page("word", sort: .relevance, limit: 90, cursor: cursor)
      found += page.hits.map(\.message.id)
      scores += page.hits.compactMap(\.score)
      cursor = page.next
    } while cursor != nil
    #expect(found.count == 1_000 && Set(found).count == 1_000)
    #expect(scores == scores.sorted(by: >))
    #expect(try await profile.page("word", sort: .relevance).total == 1_100)
  }

  @Test func aCursorOfAnotherSearchIsRefused() async throws {
    try profile.send(["word 1", "word 2"], to: room, by: john)
    let next = try #require(try await profile.page("word", limit: 1).next)
    await #expect(throws: ChatError.self) { try await profile.page("words", limit: 1, cursor: next) }
    await #expect(throws: ChatError.self) { try await profile.page("word", limit: 1, cursor: "nonsense") }
  }

  @Test func highlightsCountUTF16Units() async throws {
    try profile.send(["😀 naïve Naive 東京都 C++"], to: room, by: john)
    func highlights(_ query: String) async throws -> [Highlight] {
      try await profile.page(query).hits.first?.highlights ?? []
    }
    #expect(try await highlights("naive") == [Highlight(start: 3, length: 5), Highlight(start: 9, length: 5)])
    #expect(try await highlights("京都") == [Highlight(start: 16, length: 2)])
    #expect(try await highlights("nai*") == [Highlight(start: 3, length: 5), Highlight(start: 9, length: 5)])
    #expect(try await highlights("`Naive 東`") == [Highlight(start: 9, length: 7)])
    #expect(try await highlights("-zzz").isEmpty)
  }

  @Test func timesAreHalfOpen() async throws {
    time.value = 1_700_006_400_000 - 1  // 2023-11-15 00:00 UTC less one
    try profile.send(["word before"], to: room, by: john)
    time.value += 1
    try profile.send(["word after"], to: room, by: john)
    #expect(try await profile.find("word before:2023-11-15") == ["word before"])
    #expect(try await profile.find("word on:2023-11-15") == ["word after"])
    #expect(try await profile.find("on:2023-11-15") == ["word after"])
    #expect(try await profile.find("-on:2023-11-15") == ["word before"])
  }

  @Test func aCommonWordIsCountedUpToABound() async throws {
    let texts = Array(repeating: "word", count: 2_000)
    for _ in 0..<6 { try profile.send(texts, to: room, by: john) }
    let page = try await profile.page("word")
    #expect(page.total == 10_000 && page.isTotalLowerBound && page.isComplete)
  }

  @Test func whatIsAcknowledgedIsFoundAndFresh() async throws {
    for number in 0..<20 {
      let sent = try profile.send(["word\(number)"], to: room, by: john)
      time.value += 1
      let page = try await profile.page("word\(number)")
      #expect(page.hits.map(\.message) == sent)
      #expect(page.freshAsOf >= sent[0].timestamp)
    }
  }

  /// FTS5 gives the newest of long lists from an index of its own, in which ids may not lie too far apart.
  @Test func nothingIsLeftOutBetweenMessagesThatLieYearsApart() async throws {
    let (first, last) = (MessageKeys.first(at: -(1 << 43)), MessageKeys.first(at: (1 << 43) - 1))
    #expect(last - first < 1 << 56)
    let years: [Milliseconds] = [-5_000_000_000_000, 0, 1_451_606_400_000, 1_700_000_000_000, 4_000_000_000_000]
    for year in years {
      time.value = year
      for number in 0..<12 { try profile.send((0..<100).map { "all about \(number * 100 + $0)" }, to: room, by: john) }
    }
    try await profile.database.execute("INSERT INTO message_words (message_words) VALUES ('optimize')")
    for (query, expected) in [("about", 6_000), ("\"all about\"", 6_000), ("abou*", 6_000), ("about OR none", 6_000)] {
      var found = 0
      var cursor: String?
      repeat {
        let page = try await profile.page(query, limit: 100, cursor: cursor)
        found += page.hits.count
        cursor = page.next
      } while cursor != nil
      #expect(found == expected, "\(query)")
    }
  }

  @Test func anotherAnalysisMakesTheIndexAnew() async throws {
    try profile.send(["word one", "word two"], to: room, by: john)
    try await profile.database.execute("INSERT INTO message_words (message_words) VALUES ('delete-all')")
    try await profile.database.execute("UPDATE message_words_state SET analysis = 0")
    #expect(try await profile.find("word").isEmpty)
    try await MessageWordsUpkeep.run(profile.database, log: .silent)
    #expect(try await profile.find("word").count == 2)
    try await MessageWordsUpkeep.run(profile.database, log: .silent)
    try await profile.database.execute("INSERT INTO message_words (message_words) VALUES ('integrity-check')")
  }
}
