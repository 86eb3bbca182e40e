import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// What `palaver.v1` clients say to each other.
  @Suite struct ConversationTests {
    private struct Pair {
      var room: Int64
      var first: WebSocketClient
      var second: WebSocketClient
      var names: [String]
    }

    /// Two users, joined on different servers.
    private func joinedPair(_ profile: Profile) throws -> Pair {
      let installation = try Servers.shared(profile)
      let clients = [ChatClient(installation, 0), ChatClient(installation, 1)]
      let names = try clients.map { try $0.freshUser() }
      let room = try clients[0].makeRoom()
      let first = try clients[0].join(room, as: names[0])
      _ = try first.receiveReplay()
      let second = try clients[1].join(room, as: names[1])
      _ = try second.receiveReplay()
      return Pair(room: room, first: first, second: second, names: names)
    }

    @Test(arguments: Profile.available)
    func aSendIsAcknowledgedAndSeenByAll(profile: Profile) throws {
      let pair = try joinedPair(profile)
      try pair.first.send(
        [
          "type": "send", "ref": "r-1", "text": "hällo 😀", "data": ["n": 1, "s": "x"], "unknown": "ignored",
        ])
      let ack = try pair.first.next("ack", ref: "r-1")
      #expect(ack["seq"]?.integer == 1)
      #expect(ack["event"]?.integer == 1)
      #expect(ack["duplicate"]?.boolean != true)
      let seen = try pair.second.next("message")
      #expect(seen["text"]?.string == "hällo 😀")
      #expect(seen["user"]?.string == pair.names[0])
      #expect(seen["room"]?.integer == pair.room)
      #expect(seen["timestamp"] == ack["timestamp"])
      #expect(seen["data"] == ["n": 1, "s": "x"])
      #expect(seen["revised"]?.integer == 1)
      #expect(seen["kind"]?.string == "text")
      #expect(seen["user_id"]?.integer != nil)

      try pair.second.send(["type": "send", "ref": "r-2", "text": "back", "reply_to": 1])
      _ = try pair.second.next("ack", ref: "r-2")
      #expect(try pair.first.next("message", where: { $0["seq"]?.integer == 2 })["reply_to"]?.integer == 1)
    }

    @Test(arguments: Profile.available)
    func editsAndDeletionsReachEverybody(profile: Profile) throws {
      let pair = try joinedPair(profile)
      _ = try pair.first.sendMessage("draft")
      _ = try pair.second.next("message")
      try pair.first.send(["type": "edit", "ref": "e", "seq": 1, "text": "final"])
      #expect(try pair.first.next("ack", ref: "e")["event"]?.integer == 2)
      let edited = try pair.second.next("edited")
      #expect(edited["event"]?.integer == 2)
      #expect(edited["revised"]?.integer == 2)
      #expect(edited["seq"]?.integer == 1)
      #expect(edited["text"]?.string == "final")
      #expect(edited["edited_at"]?.integer != nil)

      try pair.second.send(["type": "delete", "ref": "no", "seq": 1])
      let refused = try pair.second.next("error", ref: "no")
      #expect(refused["error"]?.string == "forbidden")

      try pair.first.send(["type": "delete", "ref": "d", "seq": 1])
      #expect(try pair.first.next("ack", ref: "d")["event"]?.integer == 3)
      let deleted = try pair.second.next("deleted")
      #expect(deleted["event"]?.integer == 3)
      #expect(deleted["seq"]?.integer == 1)
      try pair.first.send(["type": "edit", "ref": "late", "seq": 1, "text": "back from the dead"])
      #expect(try pair.first.next("error", ref: "late")["error"]?.string == "message_not_found")
      try pair.second.expectNothingBeforePong()
    }

    @Test(arguments: Profile.available)
    func changesSentAtOnceComeToPassInTheirOrder(profile: Profile) throws {
      let pair = try joinedPair(profile)
      _ = try pair.first.sendMessage("draft")
      let count = 60
      for number in 1...count {
        try pair.first.send(["type": "edit", "ref": .string("e\(number)"), "seq": 1, "text": .string("\(number)")])
      }
      try pair.first.send(["type": "delete", "ref": "d", "seq": 1])
      for number in 1...count {
        #expect(try pair.second.next("edited")["text"]?.string == "\(number)")
      }
      #expect(try pair.second.next("deleted")["event"]?.integer == Int64(count) + 2)
      for number in 1...count { _ = try pair.first.next("ack", ref: "e\(number)") }
      _ = try pair.first.next("ack", ref: "d")
    }

    @Test(arguments: Profile.available)
    func typingAndPresenceAreSeenByOthers(profile: Profile) throws {
      let pair = try joinedPair(profile)
      try pair.first.send(["type": "typing"])
      #expect(try pair.second.next("typing")["user"]?.string == pair.names[0])
      pair.first.drop()
      let deadline = ContinuousClock.now + .seconds(10)
      var hasLeft = false
      while !hasLeft {
        let frame = try pair.second.receiveJSON(until: deadline)
        guard frame["type"]?.string == "presence" else { continue }
        hasLeft = frame["left"]?.array?.contains(.string(pair.names[0])) == true
      }
    }

    @Test(arguments: Profile.available)
    func readMarksCountWhatIsUnread(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let chat = ChatClient(installation)
      let pair = try joinedPair(profile)
      for index in 1...3 { _ = try pair.first.sendMessage("message \(index)") }
      let member = "user=\(pair.names[1])"
      try chat.expect(
        chat.http.request("PUT", "/v1/chatrooms/\(pair.room)/members/\(pair.names[1])?\(member)"), 200)
      let mark = try chat.http.request(
        "PUT", "/v1/chatrooms/\(pair.room)/read?\(member)", body: Array(#"{"seq":1}"#.utf8))
      try chat.expect(mark, 200)
      #expect(try unread(chat, pair.room, member) == 2)
      try pair.second.send(["type": "read", "seq": 3])
      #expect(try pair.second.next("read")["seq"]?.integer == 3)
      #expect(try unread(chat, pair.room, member) == 0)
      // A mark never goes back.
      _ = try chat.http.request("PUT", "/v1/chatrooms/\(pair.room)/read?\(member)", body: Array(#"{"seq":2}"#.utf8))
      #expect(try unread(chat, pair.room, member) == 0)
    }

    private func unread(_ chat: ChatClient, _ room: Int64, _ query: String) throws -> Int64? {
      let reply = try chat.http.get("/v1/chatrooms/\(room)?\(query)")
      try chat.expect(reply, 200)
      return reply["unread"]?.integer
    }

    @Test(arguments: Profile.available)
    func whatCannotBeDoneIsAnErrorAndNotTheEnd(profile: Profile) throws {
      let pair = try joinedPair(profile)
      let long = String(repeating: "x", count: 16_385)
      let wrong: [(frame: JSONValue, what: String)] = [
        (["type": "send", "ref": "w", "text": .string(long)], "a text too long"),
        (["type": "send", "ref": "w", "text": ""], "an empty text"),
        (["type": "send", "ref": "w"], "no text"),
        (["type": "send", "ref": "w", "text": 7], "a number as text"),
        (["type": "send", "ref": "w", "text": "x", "data": "no object"], "data that is no object"),
        (["type": "send", "ref": "w", "text": "x", "reply_to": -1], "a negative reply_to"),
        (["type": "edit", "ref": "w", "seq": 99, "text": "x"], "an edit of nothing"),
        (["type": "delete", "ref": "w", "seq": 0], "a deletion of nothing"),
        (["type": "history", "ref": "w", "before": -5], "a negative position"),
        (["type": "history", "ref": "w", "limit": 0], "a limit of nothing"),
        (["type": "no such type", "ref": "w"], "an unknown type"),
      ]
      for (frame, what) in wrong {
        try pair.first.send(frame)
        let error = try pair.first.next("error")
        #expect(error["ref"]?.string == "w", "\(what): \(error.compact)")
        #expect(error["error"]?.string?.isEmpty == false, "\(what): \(error.compact)")
        #expect(error["message"]?.string?.isEmpty == false, "\(what): \(error.compact)")
      }
      let exact = String(repeating: "é", count: 8_192)
      #expect(try pair.first.sendMessage(exact)["seq"]?.integer == 1)
      #expect(try pair.second.next("message")["text"]?.string == exact)
    }

    @Test(arguments: Profile.available)
    func historyPagesOverTheSocket(profile: Profile) throws {
      let pair = try joinedPair(profile)
      for index in 1...9 { _ = try pair.first.sendMessage("message \(index)") }
      let pages: [(request: JSONValue, seqs: [Int64], before: Bool, after: Bool)] = [
        (["type": "history", "ref": "h", "limit": 3], [7, 8, 9], true, false),
        (["type": "history", "ref": "h", "before": 4, "limit": 5], [1, 2, 3], false, true),
        (["type": "history", "ref": "h", "after": 4, "limit": 2], [5, 6], true, true),
      ]
      for (request, seqs, before, after) in pages {
        try pair.second.send(request)
        let page = try pair.second.next("history", ref: "h")
        #expect(page["messages"]?.array?.map { $0["seq"]?.integer } == seqs, "\(request.compact)")
        #expect(page["has_more_before"]?.boolean == before, "\(request.compact)")
        #expect(page["has_more_after"]?.boolean == after, "\(request.compact)")
      }
    }
  }
}

extension WebSocketClient {
  /// Waits until everything sent before has been handled.
  func expectPong() throws {
    try send(["type": "ping"])
    _ = try next("pong")
  }
}
