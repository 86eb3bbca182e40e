import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// What a search brings beside its hits, whom it tells what, and how it is asked from a shell.
  @Suite struct SearchServiceTests {
    private struct Fixture {
      let installation: Installation
      let chat: ChatClient
      let anna: String
      let bert: String
      /// A word that stands nowhere else.
      let word = "w\(UInt32.random(in: 0 ... .max))"

      init(_ profile: Profile) throws {
        installation = try Servers.shared(profile)
        chat = ChatClient(installation)
        anna = try chat.freshUser("anna")
        bert = try chat.freshUser("bert")
      }

      func room(_ kind: String = "public", _ name: String = ChatClient.freshName("room")) throws -> Int64 {
        let reply = try chat.http.post(
          "/v1/chatrooms?user=\(anna)", ["name": .string(name), "kind": .string(kind)])
        try chat.expect(reply, 200)
        return try found(reply["id"]?.integer, "\(reply)")
      }
    }

    private func texts(_ list: JSONValue?) -> [String] { list?.array?.compactMap { $0["text"]?.string } ?? [] }

    @Test(arguments: Profile.available)
    func aHitBringsWhatStandsAroundIt(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let room = try fixture.room()
      for number in 1...9 {
        let text = number == 5 || number == 9 ? "\(fixture.word) \(number)" : "number \(number)"
        try fixture.chat.send(text, to: room, as: fixture.anna)
      }
      try fixture.chat.expect(fixture.chat.delete(4, in: room, as: fixture.anna), 200)
      let hits = try fixture.chat.search(fixture.word, "&context=2&sort=oldest")["hits"]?.array ?? []
      #expect(hits.map { texts($0["context"]) } == [["number 3", "number 6", "number 7"], ["number 7", "number 8"]])
      #expect(try fixture.chat.search(fixture.word)["hits"]?.array?.first?["context"] == nil)
      #expect(try fixture.chat.http.get("/v1/search?context=6")["parameter"]?.string == "context")
    }

    @Test(arguments: Profile.available)
    func facetsCountEveryHitByRoomAuthorAndMonth(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let (one, two) = (try fixture.room(), try fixture.room())
      for number in 1...5 { try fixture.chat.send("\(fixture.word) \(number)", to: one, as: fixture.anna) }
      for number in 1...3 { try fixture.chat.send("\(fixture.word) \(number)", to: two, as: fixture.bert) }
      try fixture.chat.expect(fixture.chat.delete(1, in: two, as: fixture.bert), 200)
      let reply = try fixture.chat.search(fixture.word, "&limit=1&facets=room,user,month")
      let facets = reply["facets"]
      #expect(facets?["room"]?.compact == #"[{"value":\#(one),"count":5},{"value":\#(two),"count":2}]"#)
      #expect(
        facets?["user"]?.compact
          == #"[{"value":"\#(fixture.anna)","count":5},{"value":"\#(fixture.bert)","count":2}]"#)
      #expect(facets?["month"]?.array?.reduce(0) { $0 + ($1["count"]?.integer ?? 0) } == 7)
      #expect(facets?["relation"]?.string == "eq" && reply["total"]?["value"]?.integer == 7)
      #expect(reply["rooms"]?["\(two)"]?["name"]?.string != nil, "rooms of facets have their names: \(reply)")
      #expect(try fixture.chat.http.get("/v1/search?facets=size")["parameter"]?.string == "facets")
    }

    @Test(arguments: Profile.available)
    func asOneTypesTheLastWordIsABeginning(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let room = try fixture.room()
      try fixture.chat.send("\(fixture.word) national finals", to: room, as: fixture.anna)
      func count(_ typed: String, _ more: String = "&prefix=last") throws -> Int64? {
        try fixture.chat.search("\(fixture.word) \(typed)", "&room=\(room)\(more)")["total"]?["value"]?.integer
      }
      #expect(try count("natio") == 1)
      #expect(try count("natio", "") == 0)
      #expect(try count("natio ") == 0)
      #expect(try count("natio finals") == 0)
      #expect(try count("finals nat") == 1)
      #expect(try count("-nat") == 1, "what is excluded is a whole word")
      #expect(try fixture.chat.http.get("/v1/search?prefix=first")["parameter"]?.string == "prefix")
    }

    @Test(arguments: Profile.available)
    func suggestionsAreOfferedAsOneTypes(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let name = ChatClient.freshName("suggested")
      let room = try fixture.room("public", name)
      func suggest(_ typed: String, as user: String) throws -> [JSONValue] {
        try fixture.chat.http.get("/v1/search/suggest?q=\(percentEncoded(typed))&user=\(user)")["suggestions"]?.array
          ?? []
      }
      #expect(try suggest("deploy fr", as: fixture.anna).map { $0["query"]?.string } == ["deploy from:"])
      let author = try suggest("from:\(fixture.anna.dropLast(1))", as: fixture.bert)
      #expect(author.contains { $0["text"]?.string == "from:\(fixture.anna)" && $0["kind"]?.string == "user" })
      let found = try suggest("x -in:\(name.dropLast(1))", as: fixture.bert)
      #expect(found.first?["query"]?.string == "x -in:\(name)" && found.first?["room"]?.integer == room)
      #expect(try suggest("has:", as: fixture.anna).count == 4)
      #expect(try suggest("", as: fixture.anna).isEmpty)
    }

    /// Neither hits nor counts nor the existence of a room are told to who may not read it.
    @Test(arguments: Profile.available)
    func whoMayNotReadLearnsNothing(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let name = ChatClient.freshName("secret")
      let room = try fixture.room("private", name)
      try fixture.chat.send("\(fixture.word) within", to: room, as: fixture.anna)
      let path = "/v1/chatrooms/\(room)/members/\(fixture.bert)?user=\(fixture.anna)"
      func look(_ query: String, _ user: String) throws -> HTTPTestResponse {
        try fixture.chat.search(query, "&facets=room,user&context=1&user=\(user)")
      }
      func sees(_ user: String) throws -> Bool {
        for query in [fixture.word, "\(fixture.word) in:#\(room)"] {
          let reply = try look(query, user)
          let total = try found(reply["total"]?["value"]?.integer, "\(reply)")
          #expect(reply["hits"]?.array?.count == Int(total))
          #expect((reply["facets"]?["room"]?.array?.count ?? 0) == Int(total))
          #expect((reply["facets"]?["user"]?.array?.count ?? 0) == Int(total))
          #expect(reply["rooms"]?.object?.members.count == Int(total))
          if total == 0 { return false }
        }
        return true
      }
      #expect(try sees(fixture.anna))
      #expect(try !sees(fixture.bert))
      // A room that one may not know of answers as one that is not there.
      let hidden = try fixture.chat.http.get("/v1/search?q=a&room=\(room)&user=\(fixture.bert)")
      let absent = try fixture.chat.http.get("/v1/search?q=a&room=99999999&user=\(fixture.bert)")
      #expect(hidden.status == 404 && absent.status == 404 && hidden["error"] == absent["error"])
      func suggested(to user: String) throws -> Int {
        try fixture.chat.http.get("/v1/search/suggest?q=in:\(name)&user=\(user)")["suggestions"]?.array?.count ?? -1
      }
      #expect(try suggested(to: fixture.anna) == 1)
      #expect(try suggested(to: fixture.bert) == 0)
      try fixture.chat.expect(fixture.chat.http.request("PUT", path), 200)
      #expect(try sees(fixture.bert))
      #expect(try suggested(to: fixture.bert) == 1)
      try fixture.chat.expect(fixture.chat.http.request("DELETE", path), 200)
      #expect(try !sees(fixture.bert))
    }

    /// Ten writers send, edit and delete while pages are turned: none comes twice, and none that was there from the
    /// beginning and stays is left out.
    @Test(arguments: Profile.available, ["recent", "oldest", "relevance"])
    func pagesNeitherDoubleNorSkipBesideManyWriters(profile: Profile, sort: String) throws {
      let fixture = try Fixture(profile)
      let room = try fixture.room()
      let lasting = 60
      for number in 1...lasting {
        try fixture.chat.send("\(fixture.word) lasting \(number)", to: room, as: fixture.anna)
      }
      let (word, anna) = (fixture.word, fixture.anna)
      let turned = try concurrently(5) { thread -> [Int64] in
        let chat = ChatClient(fixture.installation, thread)
        guard thread == 0 else {
          for number in 1...12 {
            let seq = try found(try chat.send("\(word) \(word) passing", to: room, as: anna)["seq"]?.integer, "seq")
            if number % 3 == 0 { try chat.expect(chat.edit(seq, "\(word) changed", in: room, as: anna), 200) }
            if number % 4 == 0 { try chat.expect(chat.delete(seq, in: room, as: anna), 200) }
          }
          return []
        }
        return try Self.turnPages(chat, "\(word)", "&room=\(room)&sort=\(sort)&limit=7")
      }
      let seqs = turned[0]
      #expect(Set(seqs).count == seqs.count, "\(sort)")
      #expect(Set(seqs).isSuperset(of: 1...Int64(lasting)), "\(sort): \(seqs)")
    }

    private static func turnPages(_ chat: ChatClient, _ query: String, _ more: String) throws -> [Int64] {
      var seqs: [Int64] = []
      var cursor = ""
      repeat {
        let page = try chat.search(query, more + cursor)
        seqs += page["hits"]?.array?.compactMap { $0["message"]?["seq"]?.integer } ?? []
        cursor = page["next"]?.string.map { "&cursor=\(percentEncoded($0))" } ?? ""
      } while !cursor.isEmpty
      return seqs
    }

    /// On the embedded profile beside the server that has the folder.
    @Test(arguments: Profile.available)
    func fromAShellTheSameIsFound(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let name = ChatClient.freshName("shell")
      let room = try fixture.room("private", name)
      for text in ["before", "\(fixture.word) in the shell", "after"] {
        try fixture.chat.send(text, to: room, as: fixture.anna)
      }
      func run(_ arguments: String...) throws -> (status: Int32, output: [String], errors: String) {
        try PalaverProcess.run(["search"] + arguments, environment: fixture.installation.environment)
      }
      let plain = try run(fixture.word, "--user", fixture.anna)
      #expect(plain.status == 0 && plain.output.count == 1, "\(plain)")
      #expect(plain.output.first?.contains("\(name):2") == true)
      #expect(plain.output.first?.hasSuffix("\(fixture.anna)  \(fixture.word) in the shell") == true)
      let around = try run(fixture.word, "-C", "1", "--color", "always", "--room", "\(room)")
      #expect(around.output.count == 3)
      #expect(around.output.dropFirst().first?.contains("\u{1B}[1;31m\(fixture.word)\u{1B}[0m in") == true, "\(around)")
      let json = try run(fixture.word, "--json")
      #expect(try JSONValue(parsing: json.output.first ?? "")["message"]?["seq"]?.integer == 2)
      #expect(try run(fixture.word, "--user", fixture.bert).status == 1)
      #expect(try run(fixture.word, "--user", fixture.bert, "--room", "\(room)").errors.contains("no room"))
      #expect(try run(fixture.word, "--sort", "best").status == 2)
    }
  }
}
