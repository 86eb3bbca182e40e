import Drivers
import Foundation
import TestSupport
import Testing

extension StackTests {
  /// Schedules that would break the obvious design, staged on real back ends. `README.md` says which test stages which.
  @Suite(.serialized) struct HazardTests {
    private static func change(
      _ method: String, _ seq: Int, of room: Int64, _ stack: FaultyStack, text: String? = nil
    ) throws {
      let reply = try stack.http(0).request(
        method, "/v1/chatrooms/\(room)/messages/\(seq)?user=ann",
        body: text.map { Array((["text": .string($0)] as JSONValue).compact.utf8) })
      guard reply.status == 200 else { throw TestSupportError("not changed: \(reply)") }
    }

    /// Servers and a Redis that know nothing of any room.
    private static func chill(_ stack: FaultyStack) throws {
      for server in 0..<FaultyStack.serverCount {
        stack.kill(server)
        try stack.start(server)
      }
      try stack.backends.flushRedis()
    }

    @Test("Hazard 1: a resume over edits and deletions, from the index alone, tells no deleted text")
    func aResumeFromTheIndexIsThePresentState() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        try stack.fill(room, 1...30)
        try Self.change("PATCH", 5, of: room, stack, text: "edited")
        try Self.change("DELETE", 25, of: room, stack)
        try Self.change("DELETE", 3, of: room, stack)
        try stack.fill(room, 31...31)
        try Self.change("PATCH", 31, of: room, stack, text: "edited at once")
        try stack.trimJournal(of: room)
        try Self.chill(stack)
        for server in 0..<FaultyStack.serverCount {
          let (_, ready, replay) = try stack.join(room, server: server, since: 20)
          #expect(ready["complete"]?.boolean == true)
          #expect(replay.compactMap(\.event) == Array(21...24) + Array(26...30) + [31, 33, 34])
          #expect(replay.contains(.deleted(event: 33, seq: 3)))
          #expect(replay.first { $0.event == 31 }?.text?.text == "edited")
          #expect(replay.last?.text.map { [$0.seq, $0.event, $0.revised] } == [31, 34, 35])
          #expect(replay.last?.text?.text == "edited at once")
          #expect(!replay.contains { [3, 25].contains($0.text?.seq ?? 0) })
        }
      }
    }

    @Test("Hazard 17: who comes back from too far behind forgets, pages, and has everything once")
    func aResumeFromFarBehindIsCompletedByPages() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        let count = 1_105
        _ = try concurrently(5) { sender in
          for number in stride(from: sender + 1, through: count, by: 5) {
            let reply = try stack.send("number \(number)", ref: "far-\(number)", to: room)
            guard reply.status == 201 else { throw TestSupportError("\(reply)") }
          }
        }
        try Self.change("DELETE", 7, of: room, stack)
        try stack.trimJournal(of: room)
        try Self.chill(stack)
        let (socket, ready, replay) = try stack.join(room, server: 1, since: 2)
        #expect(ready["complete"]?.boolean == false && ready["reset"]?.boolean != true, "\(ready.compact)")
        var seqs = replay.compactMap(\.text?.seq)
        #expect(seqs.last == Int64(count))
        while let first = seqs.first, first > 1 {
          try socket.send(#"{"type": "history", "ref": "h\#(first)", "before": \#(first), "limit": 200}"#)
          let page = (try socket.next("history")["messages"]?.array ?? []).compactMap { SeenMessage($0)?.seq }
          guard !page.isEmpty else { break }
          seqs = page + seqs
        }
        #expect(seqs == (1...Int64(count)).filter { $0 != 7 })
      }
    }

    @Test("Hazard 16: a removal reaches the removed user's sockets and searches elsewhere, although Redis is away")
    func aRemovalIsNotLostWithRedis() async throws {
      try await SharedStack.use { stack in
        for name in ["ann", "bob"] { try stack.makeUser(name) }
        let made = try stack.http(0).post("/v1/chatrooms?user=ann", ["kind": "private", "members": ["bob"]])
        let room = try #require(made["id"]?.integer, "\(made)")
        try stack.fill(room, 1...3)
        try stack.waitUntilIndexed()
        let socket = try WebSocketClient(
          port: stack.port(1), "/v1/chatrooms/\(room)/join?user=bob", subprotocols: ["palaver.v1"])
        _ = try socket.next("replayed")
        let search = "/v1/search?q=number&room=\(room)&user=bob"
        try stack.wait("bob finds it", seconds: 20) { try stack.http(1).get(search)["hits"]?.array?.count == 3 }
        try stack.backends.kill(.redis)
        defer { try? stack.backends.start(.redis) }
        let removed = try stack.http(0).request("DELETE", "/v1/chatrooms/\(room)/members/bob?user=ann")
        #expect(removed.status == 200, "\(removed)")
        #expect(try socket.receiveClose(within: .seconds(20)) == 4003)
        #expect(try stack.send("among us", ref: "after", to: room).status == 201)
        let found = try stack.http(1).get(search)
        #expect(found.status == 404 || found["hits"]?.array?.isEmpty == true, "\(found)")
        // The bus cannot tell the other server's caches; the journal does.
        try stack.wait("bob reads no more", seconds: 20) {
          try stack.http(1).get("/v1/chatrooms/\(room)/messages?user=bob").status == 404
        }
      }
    }
  }
}
