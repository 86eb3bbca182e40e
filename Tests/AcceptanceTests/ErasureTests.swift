import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// A user is deleted with their messages, or their name is taken off them, wherever they lie.
  @Suite(.serialized) struct ErasureTests {
    private struct Fixture {
      let installation: Installation
      let chat: ChatClient
      let anna: String
      let bert: String
      /// In everything that must be gone.
      let needle = "needle\(UInt32.random(in: 0...UInt32.max))"

      init(_ profile: Profile) throws {
        installation = try Servers.shared(profile)
        chat = ChatClient(installation)
        anna = try chat.freshUser("anna")
        bert = try chat.freshUser("bert")
      }

      /// Sends seven messages, of which Anna's are 1, 2, 3, 5 and 6; 1 is edited and 2 deleted.
      func converse(in room: Int64) throws {
        let body: JSONValue = [
          "text": .string("first \(needle)"), "ref": .string("ref-\(needle)"),
          "data": .object(JSONObject([("note", .string(needle))])),
        ]
        try chat.expect(chat.http.post("/v1/chatrooms/\(room)/messages?user=\(anna)", body), 201)
        for text in ["second \(needle)", "third \(needle)"] { try chat.send(text, to: room, as: anna) }
        let reply: JSONValue = ["text": "an answer", "reply_to": .integer(3)]
        try chat.expect(chat.http.post("/v1/chatrooms/\(room)/messages?user=\(bert)", reply), 201)
        for text in ["fifth \(needle)", "sixth \(needle)"] { try chat.send(text, to: room, as: anna) }
        try chat.send("the last word", to: room, as: bert)
        try chat.expect(chat.edit(1, "edited \(needle)", in: room, as: anna), 200)
        try chat.expect(chat.delete(2, in: room, as: anna), 200)
      }

      @discardableResult
      func delete(_ fate: String) throws -> JSONValue {
        let reply = try chat.http.request("DELETE", "/v1/users/\(anna)?messages=\(fate)&user=\(anna)")
        try chat.expect(reply, 200)
        return reply.json
      }

      func erasure() throws -> JSONValue { try chat.http.get("/v1/users/\(anna)/erasure").json }

      func waitUntilDone() throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try erasure()["state"]?.string != "done" {
          guard ContinuousClock.now < deadline else { throw TestSupportError("not done in 60 s: \(try erasure())") }
          Thread.sleep(forTimeInterval: 0.05)
        }
      }

      func find(_ query: String, on server: Int) throws -> [JSONValue] {
        try ChatClient(installation, server).search(query)["hits"]?.array?.compactMap { $0["message"] } ?? []
      }
    }

    private func expectNoBytes(of needle: String, in fixture: Fixture) throws {
      if let stack = fixture.installation.stack {
        let remains = try stack.remains(of: needle)
        #expect(remains == [])
      } else {
        let folder = fixture.installation.folder
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil) {
          let bytes = (try? Data(contentsOf: file)) ?? Data()
          #expect(bytes.range(of: Data(needle.utf8)) == nil, "\(file.lastPathComponent)")
        }
      }
    }

    @Test(arguments: Profile.available)
    func erasedMessagesLeaveNothingBehind(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let (chat, needle) = (fixture.chat, fixture.needle)
      let lobby = try chat.makeRoom()
      let den = try chat.makeRoom([
        "kind": "private", "members": .array([.string(fixture.anna), .string(fixture.bert)]),
      ])
      let gone = try chat.makeRoom()
      for room in [lobby, den, gone] { try fixture.converse(in: room) }
      try chat.expect(chat.http.request("DELETE", "/v1/chatrooms/\(gone)"), 200)
      #expect(try fixture.find(needle, on: 0).count >= 4)
      if profile == .stack {
        let moved = try PalaverProcess.run(
          ["reshard", "--shards", "1", "--json"], environment: fixture.installation.environment, within: .seconds(120))
        #expect(moved.status == 0, "\(moved)")
      }
      let watcher = try ChatClient(fixture.installation, 1).join(lobby, as: fixture.bert)
      let before = try watcher.receiveReplay().through

      let reply = try fixture.delete("erase")
      #expect(reply["erasure"]?["mode"]?.string == "erase", "\(reply)")
      var seqs: Set<Int64> = []
      while !seqs.isSuperset(of: [1, 3, 5, 6]) {
        if let seq = try watcher.next("deleted")["seq"]?.integer { seqs.insert(seq) }
      }
      watcher.drop()
      try fixture.waitUntilDone()

      var reader = chat
      reader.http.headers = [("X-Palaver-User", fixture.bert)]
      for room in [lobby, den] {
        let history = try reader.history(of: room)
        #expect(history.compactMap { $0["seq"]?.integer } == [4, 7])
        #expect(history.first?["reply_to"]?.integer == 3)
      }
      for server in 0..<2 {
        #expect(try fixture.find(needle, on: server).isEmpty)
        #expect(try fixture.find("from:\(fixture.anna)", on: server).isEmpty)
      }
      let resumed = try chat.join(lobby, as: fixture.bert, "&since=\(before)")
      let frames = try resumed.receiveReplay().frames
      resumed.drop()
      #expect(Set(frames.compactMap { $0["type"]?.string }).subtracting(["removed"]) == ["deleted"], "\(frames)")
      let joined = try chat.join(lobby, as: fixture.bert)
      #expect(try joined.receiveReplay().frames.compactMap { $0["seq"]?.integer } == [4, 7])
      joined.drop()
      try expectNoBytes(of: needle, in: fixture)
      #expect(try fixture.delete("erase")["erasure"]?["state"]?.string == "done")
      #expect(try chat.post("again", to: lobby, as: fixture.anna).status == 404)
    }

    @Test(arguments: Profile.available)
    func anonymizedMessagesKeepTheirTextAndNotTheirAuthor(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let (chat, needle) = (fixture.chat, fixture.needle)
      let room = try chat.makeRoom()
      try fixture.converse(in: room)
      let watcher = try ChatClient(fixture.installation, 1).join(room, as: fixture.bert)
      let before = try watcher.receiveReplay().through

      try fixture.delete("anonymize")
      var edited: [Int64: JSONValue] = [:]
      while !Set(edited.keys).isSuperset(of: [1, 3, 5, 6]) {
        let frame = try watcher.next("edited")
        edited[try found(frame["seq"]?.integer, "seq")] = frame
      }
      watcher.drop()
      for frame in edited.values { #expect(frame["user"]?.string == "deleted user" && frame["user_id"]?.integer == 0) }
      try fixture.waitUntilDone()

      let history = try chat.history(of: room)
      #expect(history.compactMap { $0["seq"]?.integer } == [1, 3, 4, 5, 6, 7])
      for message in history where message["user"]?.string != fixture.bert {
        #expect(message["user"]?.string == "deleted user" && message["user_id"]?.integer == 0)
        #expect(message["text"]?.string?.hasSuffix(needle) == true)
        #expect(message["ref"] == nil && message["data"] == nil)
        #expect((message["edited_at"] == nil) == (message["seq"]?.integer != 1))
      }
      for server in 0..<2 {
        let hits = try fixture.find(needle, on: server)
        #expect(hits.count == 4 && hits.allSatisfy { $0["user"]?.string == "deleted user" }, "\(hits)")
        #expect(try fixture.find("from:\(fixture.anna)", on: server).isEmpty)
      }
      let resumed = try chat.join(room, as: fixture.bert, "&since=\(before)")
      let frames = try resumed.receiveReplay().frames.filter { $0["type"]?.string == "edited" }
      resumed.drop()
      #expect(frames.compactMap { $0["seq"]?.integer }.sorted() == [1, 3, 5, 6])
      #expect(frames.allSatisfy { $0["user"]?.string == "deleted user" })
      if let stack = fixture.installation.stack {
        // Names as names stay, and for a while that there is no user of this name.
        let names = ["user", "tag:user"].map { "\(stack.name):cache:\($0):\(fixture.anna)" }
        let remains = try stack.remains(of: fixture.anna, except: ["users.name", "erasures.user_name"])
        #expect(Set(remains).subtracting(names) == [])
      }
    }

    /// Others send, and somebody edits the very messages.
    @Test(arguments: Profile.available)
    func othersGoOnMeanwhile(profile: Profile) throws {
      let fixture = try Fixture(profile)
      let owner = try fixture.chat.freshUser("owner")
      let made = try fixture.chat.http.post("/v1/chatrooms?user=\(owner)")
      let room = try found(made["id"]?.integer, "\(made)")
      let count = 150
      for number in 1...count { try fixture.chat.send("one \(number)", to: room, as: fixture.anna) }
      _ = try concurrently(4) { index in
        let chat = ChatClient(fixture.installation, index)
        switch index {
        case 0: try fixture.delete("anonymize")
        case 1: for number in 1...100 { try chat.send("other \(number)", to: room, as: fixture.bert) }
        case 2:
          for seq in (1...Int64(count)).reversed() {
            try chat.expect(chat.edit(seq, "moderated", in: room, as: owner), 200)
          }
        default:
          // Refused once Anna is deleted; what came before is anonymized.
          for number in 1...100 {
            if try chat.post("late \(number)", to: room, as: fixture.anna).status != 201 { break }
          }
        }
      }
      try fixture.waitUntilDone()
      let history = try fixture.chat.history(of: room)
      #expect(history.filter { $0["text"]?.string == "moderated" }.count == count)
      #expect(history.filter { $0["user"]?.string == fixture.bert }.count == 100)
      #expect(Set(history.compactMap { $0["user"]?.string }) == ["deleted user", fixture.bert])
    }

    /// With servers that die in its middle, and what the index had refused.
    @Test(.enabled(if: StackEnvironment.isAvailable))
    func whatWasBegunIsFinishedByAnotherServer() throws {
      let installation = try Installation(.stack)
      defer { installation.remove() }
      let stack = try found(installation.stack, "stack")
      let first = ChatClient(installation)
      let (anna, needle) = (try first.freshUser("anna"), "needle\(UInt32.random(in: 0...UInt32.max))")
      let rooms = try (0..<20).map { _ in try first.makeRoom() }
      _ = try concurrently(4) { part in
        for room in rooms[part * 5..<part * 5 + 5] {
          for number in 1...20 { try first.send("\(needle) \(number)", to: room, as: anna) }
        }
      }
      try DeadLetterTests.poison(stack)
      try first.send("\(needle) for @bob", to: rooms[0], as: anna)
      try wait("a dead letter") { try stack.mariadb("SELECT COUNT(*) FROM \(stack.name).dead_letters").first != "0" }

      try first.expect(first.http.request("DELETE", "/v1/users/\(anna)?messages=erase"), 200)
      try wait("a beginning") { try stack.mariadb("SELECT messages > 0 FROM \(stack.name).erasures").first == "1" }
      installation.kill()
      try installation.restart()
      let chat = ChatClient(installation)
      try wait("the end") { try chat.http.get("/v1/users/\(anna)/erasure")["state"]?.string == "done" }
      #expect(try stack.remains(of: needle) == [])
      for room in rooms { #expect(try chat.history(of: room).isEmpty) }
      let verified = try PalaverProcess.run(["verify"], environment: installation.environment, within: .seconds(120))
      // The index was made anew in the middle: what was erased before is missing in it, and nothing else is wrong.
      #expect(verified.status == 0 || verified.output.allSatisfy { !$0.contains("changes") }, "\(verified)")
    }

    private func wait(_ what: String, until isSo: () throws -> Bool) throws {
      let deadline = ContinuousClock.now + .seconds(60)
      while try !isSo() {
        guard ContinuousClock.now < deadline else { throw TestSupportError("not within 60 s: \(what)") }
        Thread.sleep(forTimeInterval: 0.02)
      }
    }
  }
}
