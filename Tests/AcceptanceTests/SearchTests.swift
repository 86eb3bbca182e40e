import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// Full-text search as a user types it.
  @Suite struct SearchTests {
    private struct Fixture {
      let installation: Installation
      let chat: ChatClient
      let room: Int64
      let roomName: String
      let anna: String
      let bert: String

      init(_ profile: Profile) throws {
        installation = try Servers.shared(profile)
        chat = ChatClient(installation)
        roomName = ChatClient.freshName("search")
        room = try chat.makeRoom(["name": .string(roomName)])
        anna = try chat.freshUser("anna")
        bert = try chat.freshUser("bert")
      }

      /// The texts found within the fixture's room, by the next search on any server.
      func find(_ query: String, _ more: String = "", on server: Int = 0) throws -> [String] {
        let reply = try ChatClient(installation, server).search(query, "&room=\(room)\(more)")
        #expect(reply["complete"]?.boolean == true, "\(query): \(reply)")
        return reply["hits"]?.array?.compactMap { $0["message"]?["text"]?.string } ?? []
      }
    }

    @Test(arguments: Profile.available)
    func aMessageIsInTheSendersNextSearch(profile: Profile) throws {
      let fixture = try Fixture(profile)
      for index in 1...20 {
        try fixture.chat.send("immediately\(index) there", to: fixture.room, as: fixture.anna)
        #expect(try fixture.find("immediately\(index)") == ["immediately\(index) there"])
      }
      let deadline = ContinuousClock.now + .seconds(3)
      while try fixture.find("immediately20", on: 1).isEmpty {
        guard ContinuousClock.now < deadline else { throw TestSupportError("not found by the other server in 3 s") }
      }
    }

    @Test(arguments: Profile.available)
    func wordsPhrasesAndFiltersNarrow(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let (chat, room) = (fixture.chat, fixture.room)
      try chat.send("the quick brown fox", to: room, as: fixture.anna)
      try chat.send("the brown quick dog", to: room, as: fixture.bert)
      try chat.send("a Café in Zürich: see https://example.org/menu", to: room, as: fixture.anna)
      try chat.send("release v1.2.3 of main.swift", to: room, as: fixture.bert)
      try chat.send("今日は東京で猫を見た", to: room, as: fixture.anna)
      let cases: [(query: String, hits: Set<String>)] = [
        ("quick", ["the quick brown fox", "the brown quick dog"]),
        ("QUICK brown", ["the quick brown fox", "the brown quick dog"]),
        ("\"quick brown\"", ["the quick brown fox"]),
        ("quick -fox", ["the brown quick dog"]),
        ("quick -\"brown fox\"", ["the brown quick dog"]),
        ("fox OR dog", ["the quick brown fox", "the brown quick dog"]),
        ("qui*", ["the quick brown fox", "the brown quick dog"]),
        ("cafe", ["a Café in Zürich: see https://example.org/menu"]),
        ("zurich", ["a Café in Zürich: see https://example.org/menu"]),
        ("link:example.org", ["a Café in Zürich: see https://example.org/menu"]),
        ("has:link", ["a Café in Zürich: see https://example.org/menu"]),
        ("v1.2.3", ["release v1.2.3 of main.swift"]),
        ("main.swift", ["release v1.2.3 of main.swift"]),
        ("東京", ["今日は東京で猫を見た"]),
        ("猫", ["今日は東京で猫を見た"]),
        ("the from:\(fixture.bert)", ["the brown quick dog"]),
        ("quick -from:\(fixture.bert)", ["the quick brown fox"]),
        ("quick in:\(fixture.roomName)", ["the quick brown fox", "the brown quick dog"]),
        ("quick in:#\(room)", ["the quick brown fox", "the brown quick dog"]),
        ("quick in:#\(room + 1_000_000)", []),
        ("quick after:7d", ["the quick brown fox", "the brown quick dog"]),
        ("quick before:2020", []),
        ("quick after:2020-01-01", ["the quick brown fox", "the brown quick dog"]),
        ("absent", []),
        ("`quick brown`", ["the quick brown fox"]),
        ("`QUICK brown`", []),
        ("\u{201C}quick brown\u{201D}", ["the quick brown fox"]),
      ]
      for (query, hits) in cases { #expect(Set(try fixture.find(query)) == hits, "\(query)") }
      #expect(try fixture.find("").count == 5)
      #expect(try fixture.find("the", "&sort=oldest") == ["the quick brown fox", "the brown quick dog"])
      #expect(try fixture.find("the", "&sort=recent") == ["the brown quick dog", "the quick brown fox"])
      #expect(Set(try fixture.find("the", "&sort=relevance")) == ["the brown quick dog", "the quick brown fox"])
    }

    @Test(arguments: Profile.available)
    func whatCannotBeParsedIsText(profile: Profile) throws {
      let fixture = try Fixture(profile)
      try fixture.chat.send("use --flag and (parens) AND \"quotes", to: fixture.room, as: fixture.anna)
      for query in [
        "--flag", "(parens)", "\"", "-", "*", "OR", "from:", "before:never", "((", "\\", "\u{0}", "a:b:c", "~1^2",
      ] {
        let reply = try fixture.chat.http.get("/v1/search?q=\(percentEncoded(query))&room=\(fixture.room)")
        #expect(reply.status == 200, "\(query): \(reply)")
      }
      #expect(try fixture.find("--flag").count == 1)
    }

    @Test(arguments: Profile.available)
    func highlightsCountUTF16Units(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let text = "😀 naïve Straße, the needle 猫 and another NEEDLE"
      try fixture.chat.send(text, to: fixture.room, as: fixture.anna)
      let reply = try fixture.chat.search("needle", "&room=\(fixture.room)")
      let highlights = reply["hits"]?.array?.first?["highlights"]?.array ?? []
      let units = Array(text.utf16)
      let marked = highlights.map { highlight in
        let start = Int(highlight.array?.first?.integer ?? 0)
        let length = Int(highlight.array?.last?.integer ?? 0)
        return String(decoding: units[start..<min(units.count, start + length)], as: UTF16.self)
      }
      #expect(marked == ["needle", "NEEDLE"], "\(reply)")
      #expect(reply["rooms"]?["\(fixture.room)"]?["name"]?.string == fixture.roomName)
      #expect(reply["total"]?["value"]?.integer == 1)
      #expect(["eq", "gte"].contains(reply["total"]?["relation"]?.string ?? ""))
      #expect(reply["took_ms"]?.integer != nil && reply["fresh_as_of"]?.integer != nil)
    }

    @Test(arguments: Profile.available)
    func deletedAndEditedMessagesAreNotFound(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let (chat, room) = (fixture.chat, fixture.room)
      for index in 1...3 { try chat.send("vanishing \(index)", to: room, as: fixture.anna) }
      #expect(try fixture.find("vanishing").count == 3)
      try chat.expect(chat.delete(1, in: room, as: fixture.anna), 200)
      try chat.expect(chat.edit(2, "replaced 2", in: room, as: fixture.anna), 200)
      #expect(try fixture.find("vanishing") == ["vanishing 3"])
      #expect(try fixture.find("replaced") == ["replaced 2"])
      #expect(try fixture.find("has:edit") == ["replaced 2"])
    }

    @Test(arguments: Profile.available)
    func cursorsNeitherDoubleNorSkipUnderWrites(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let count: Int64 = 95
      for index in 1...count { try fixture.chat.send("cursor \(index)", to: fixture.room, as: fixture.anna) }
      let recent = try seqs(fixture, "recent", isWriting: true)
      #expect(recent == (1...count).reversed())
      let oldest = try seqs(fixture, "oldest", isWriting: true)
      #expect(Array(oldest.prefix(Int(count))) == Array(1...count))
      #expect(Set(oldest).count == oldest.count)
      // Scores move while the index takes in what was just sent; once it rests, relevance reaches everything.
      let deadline = ContinuousClock.now + .seconds(10)
      var relevance: [Int64] = []
      repeat {
        relevance = try seqs(fixture, "relevance", isWriting: false)
        #expect(Set(relevance).count == relevance.count)
      } while !Set(relevance).isSuperset(of: 1...count) && ContinuousClock.now < deadline
      #expect(Set(relevance).isSuperset(of: 1...count))
    }

    private func seqs(_ fixture: Fixture, _ sort: String, isWriting: Bool) throws -> [Int64] {
      var seqs: [Int64] = []
      var cursor = ""
      repeat {
        let page = try fixture.chat.search("cursor", "&room=\(fixture.room)&sort=\(sort)&limit=10\(cursor)")
        seqs += page["hits"]?.array?.compactMap { $0["message"]?["seq"]?.integer } ?? []
        cursor = page["next"]?.string.map { "&cursor=\(percentEncoded($0))" } ?? ""
        if isWriting { try fixture.chat.send("another cursor", to: fixture.room, as: fixture.bert) }
      } while !cursor.isEmpty
      return seqs
    }
  }
}
