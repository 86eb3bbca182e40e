import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// Sent twice, stored once.
  @Suite struct RefTests {
    @Test(arguments: Profile.available)
    func theSameRefIsTheSameMessage(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let user = try first.freshUser()
      let room = try first.makeRoom()
      let sent = try first.send("once", to: room, as: user, ref: "r-1")
      let again = try second.post("once", to: room, as: user, ref: "r-1")
      #expect(again.status == 200, "\(again)")
      #expect(again["seq"] == sent["seq"] && again["event"] == sent["event"] && again["ref"]?.string == "r-1")
      let other = try second.post("twice", to: room, as: user, ref: "r-1")
      #expect(other.status == 409 && other["error"]?.string == "ref_conflict", "\(other)")

      let socket = try second.join(room, as: user)
      _ = try socket.receiveReplay()
      let ack = try socket.sendMessage("once", ref: "r-1")
      #expect(ack["duplicate"]?.boolean == true && ack["seq"] == sent["seq"], "\(ack.compact)")
      try socket.send(["type": "send", "ref": "r-1", "text": "twice"])
      #expect(try socket.next("error", ref: "r-1")["error"]?.string == "ref_conflict")
      #expect(try first.history(of: room).count == 1)

      // Bytes, not letters; and each user has refs of his own.
      try first.send("capital", to: room, as: user, ref: "R-1")
      try first.send("longer", to: room, as: user, ref: "r-1 ")
      try first.send("another's", to: room, as: try first.freshUser(), ref: "r-1")
      #expect(try first.history(of: room).count == 4)
    }

    /// Whatever has become of the message: the ref stands for what was first sent under it.
    @Test(arguments: Profile.available)
    func aRefKeepsItsFirstText(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let user = try first.freshUser()
      let room = try first.makeRoom()
      try first.send("one", to: room, as: user, ref: "z2")
      try first.expect(first.edit(1, "2", in: room, as: user), 200)
      for text in ["two", "2"] {
        #expect(try second.post(text, to: room, as: user, ref: "z2")["error"]?.string == "ref_conflict")
      }
      let again = try second.post("one", to: room, as: user, ref: "z2")
      #expect(again.status == 200 && again["text"]?.string == "2" && again["seq"]?.integer == 1, "\(again)")
      try first.expect(first.delete(1, in: room, as: user), 200)
      #expect(try second.post("two", to: room, as: user, ref: "z2").status == 409)
      let gone = try second.post("one", to: room, as: user, ref: "z2")
      #expect(gone.status == 200 && gone["text"]?.string == "" && gone["deleted"]?.boolean == true, "\(gone)")
    }

    @Test(arguments: Profile.available)
    func twoServersAtOnceStoreOne(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let chat = ChatClient(installation)
      let user = try chat.freshUser()
      let room = try chat.makeRoom()
      let rounds = 10
      for round in 0..<rounds {
        let replies = try concurrently(8) { index in
          try ChatClient(installation, index).post("round \(round)", to: room, as: user, ref: "ref-\(round)")
        }
        #expect(replies.count { $0.status == 201 } == 1, "\(replies)")
        #expect(replies.count { $0.status == 200 } == 7, "\(replies)")
        #expect(Set(replies.map { $0["seq"]?.integer }) == [Int64(round + 1)])
      }
      for round in 0..<rounds {
        let replies = try concurrently(4) { index in
          try ChatClient(installation, index).post("\(index)", to: room, as: user, ref: "text-\(round)")
        }
        #expect(replies.count { $0.status == 201 } == 1, "\(replies)")
        #expect(replies.count { $0.status == 409 } == 3, "\(replies)")
      }
      #expect(try chat.history(of: room).map { $0["seq"]?.integer } == (1...Int64(2 * rounds)).map { $0 })
    }

    @Test(arguments: Profile.available)
    func theSameRefIsTheSameChange(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let user = try first.freshUser()
      let room = try first.makeRoom()
      for text in ["one", "two"] { try first.send(text, to: room, as: user, ref: text) }
      func change(_ client: ChatClient, _ method: String, _ seq: Int, _ body: JSONValue) throws -> HTTPTestResponse {
        try client.http.request(
          method, "/v1/chatrooms/\(room)/messages/\(seq)?user=\(user)", body: Array(body.compact.utf8))
      }
      let edit: JSONValue = ["text": "first", "ref": "one"]
      #expect(try change(first, "PATCH", 1, edit)["revised"]?.integer == 3)
      #expect(try change(first, "PATCH", 1, ["text": "newer"])["revised"]?.integer == 4)
      // Its answer was lost, and it comes again: the newer edit stays.
      let again = try change(second, "PATCH", 1, edit)
      #expect(again.status == 200 && again["text"]?.string == "newer", "\(again)")
      #expect(try change(second, "PATCH", 1, ["text": "other", "ref": "one"])["error"]?.string == "ref_conflict")
      #expect(try change(second, "PATCH", 2, edit)["error"]?.string == "ref_conflict")

      let socket = try second.join(room, as: user)
      _ = try socket.receiveReplay()
      try socket.send(["type": "edit", "ref": "one", "seq": 1, "text": "first"])
      let ack = try socket.next("ack", ref: "one")
      #expect(ack["duplicate"]?.boolean == true && ack["event"]?.integer == 3, "\(ack.compact)")
      try socket.send(["type": "delete", "ref": "gone", "seq": 1])
      #expect(try socket.next("ack", ref: "gone")["event"]?.integer == 5)
      try socket.send(["type": "delete", "ref": "gone", "seq": 1])
      let deleted = try socket.next("ack", ref: "gone")
      #expect(deleted["duplicate"]?.boolean == true && deleted["event"]?.integer == 5, "\(deleted.compact)")
      #expect(try change(first, "DELETE", 1, ["ref": "gone"]).status == 200)
      #expect(try change(first, "DELETE", 2, ["ref": "gone"])["error"]?.string == "ref_conflict")
      #expect(try change(first, "PATCH", 1, edit).status == 200)
      #expect(try change(first, "PATCH", 1, ["text": "late", "ref": "late"]).status == 404)
      #expect(try first.history(of: room).map { $0["text"]?.string } == ["two"])
    }

    @Test(arguments: Profile.available)
    func aRefThatIsNoneIsRefused(profile: Profile) throws {
      let chat = ChatClient(try Servers.shared(profile))
      let user = try chat.freshUser()
      let room = try chat.makeRoom()
      for ref in ["", String(repeating: "r", count: 65), "é", "tab\t", "\u{7F}"] {
        let reply = try chat.post("text", to: room, as: user, ref: ref)
        #expect(reply.status == 400 && reply["parameter"]?.string == "ref", "\(ref): \(reply)")
      }
      #expect(try chat.post("text", to: room, as: user, ref: String(repeating: "~", count: 64)).status == 201)
    }
  }
}
