import Drivers
import Foundation
import TestSupport
import Testing

extension StackTests {
  /// What still works while a part is down, and that nothing is lost by it.
  ///
  /// Needs `PALAVER_TEST_ELASTICSEARCH`, and the binaries of MariaDB and Redis, of which it starts its own.
  @Suite(.serialized) struct OutageTests {
    // MARK: Elasticsearch

    @Test func withoutElasticsearchMessagesAreSentAndFollowedAndAllIsIndexedLater() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        let (socket, _, _) = try stack.join(room, server: 1)
        for server in 0..<2 { stack.server(server).elasticsearch.answer = .refusing }
        for number in 1...20 {
          #expect(try stack.send("n\(number)", ref: "es-\(number)", to: room).status == 201)
          #expect(try socket.next("message")["seq"]?.integer == Int64(number))
        }
        #expect(try stack.join(room, server: 0).replay.count == 20)
        for server in 0..<2 { stack.server(server).elasticsearch.answer = .honest }
        try stack.waitUntilIndexed()
        #expect(try FinalState(stack: stack).indexed().count { $0.room == room } == 20)
      }
    }

    @Test(arguments: [IndexAnswer.refusing, .unavailable, .overloaded])
    func withoutElasticsearchARoomIsJoinedWithWhatTheJournalKeeps(answer: IndexAnswer) async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        try stack.fill(room, 1...20)
        try stack.trimJournal(of: room)
        for server in 0..<2 { stack.server(server).elasticsearch.answer = answer }
        try stack.fill(room, 21...25)
        // The servers' tails are from before: neither has been asked for this room yet.
        let (socket, ready, replay) = try stack.join(room, server: 1)
        #expect(replay.compactMap(\.text?.seq) == Array(21...25))
        #expect(ready["complete"]?.boolean == false)
        #expect(try stack.send("live", ref: "live", to: room).status == 201)
        #expect(try socket.next("message")["text"]?.string == "live")
        #expect(try stack.join(room, server: 0, since: 22).replay.compactMap(\.text?.seq) == Array(23...26))
      }
    }

    @Test func withoutElasticsearchOlderHistoryAndSearchSayWhenToComeAgain() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        try stack.fill(room, 1...5)
        try stack.trimJournal(of: room)
        for server in 0..<2 { stack.server(server).elasticsearch.answer = .refusing }
        for target in ["/v1/chatrooms/\(room)/messages?before=4", "/v1/search?q=number&room=\(room)"] {
          let reply = try stack.http(0).get(target)
          #expect(reply.status == 503, "\(target): \(reply)")
          #expect(reply["retry_after_ms"]?.integer != nil && reply.header("Retry-After") != nil, "\(target): \(reply)")
        }
        for server in 0..<2 { stack.server(server).elasticsearch.answer = .honest }
        try stack.wait("history is back", seconds: 10) {
          try stack.http(0).get("/v1/chatrooms/\(room)/messages?before=4")["messages"]?.array?.count == 3
        }
        try stack.wait("search is back", seconds: 10) {
          try stack.http(0).get("/v1/search?q=number&room=\(room)")["hits"]?.array?.count == 5
        }
      }
    }

    // MARK: Redis

    @Test func withoutRedisNothingFailsAndEventsCrossServersWithinASecond() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        let (socket, _, _) = try stack.join(room, server: 1)
        try stack.backends.kill(.redis)
        defer { try? stack.backends.start(.redis) }
        var slowest = Duration.zero
        for number in 1...20 {
          let start = ContinuousClock.now
          #expect(try stack.send("n\(number)", ref: "redis-\(number)", to: room).status == 201)
          #expect(try socket.next("message")["seq"]?.integer == Int64(number))
          slowest = max(slowest, .now - start)
        }
        #expect(slowest < .seconds(1), "\(slowest)")
        #expect(try stack.join(room, server: 1).replay.count == 20)
        #expect(try stack.makeRoom() > room)
      }
    }

    /// Nobody tells the other server: it looks for itself before it lets anybody in.
    @Test func withoutRedisAJoinHasWhatAnotherServerAcknowledgedBefore() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        let (socket, _, _) = try stack.join(room, server: 1)
        defer { withExtendedLifetime(socket) {} }
        try stack.backends.kill(.redis)
        defer { try? stack.backends.start(.redis) }
        for number in 1...10 {
          #expect(try stack.send("n\(number)", ref: "before-\(number)", to: room).status == 201)
          #expect(try stack.join(room, server: 1).replay.map(\.text?.seq) == [Int64(number)])
          let message = "/v1/chatrooms/\(room)/messages/\(number)?user=ann"
          #expect(try stack.http(0).request("DELETE", message).status == 200)
          let replay = try stack.join(room, server: 1).replay
          #expect(replay.isEmpty, "of \(number)")
        }
      }
    }

    @Test func aSilentRedisDelaysNothingForLong() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        let (socket, _, _) = try stack.join(room, server: 1)
        try stack.backends.pause(.redis)
        let start = ContinuousClock.now
        for number in 1...10 {
          #expect(try stack.send("n\(number)", ref: "redis-\(number)", to: room).status == 201)
          #expect(try socket.next("message")["seq"]?.integer == Int64(number))
        }
        #expect(try stack.join(room, server: 0).replay.count == 10)
        #expect(.now - start < .seconds(15))
      }
    }

    // MARK: MySQL

    @Test func withoutMySQLConnectionsStayAndASendMayBeRepeated() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        let (socket, _, _) = try stack.join(room, server: 0)
        try stack.backends.kill(.mariadb)
        try socket.send(text: "again", ref: "again")
        let error = try socket.next("error", within: .seconds(20))
        #expect(error["error"]?.string == "unavailable" && error["ref"]?.string == "again", "\(error)")
        #expect(error["retry_after_ms"]?.integer != nil, "\(error)")
        let reply = try stack.send("over HTTP", ref: "http", to: room)
        #expect(reply.status == 503 && reply["retry_after_ms"]?.integer != nil, "\(reply)")
        try socket.send(#"{"type":"ping"}"#)
        _ = try socket.next("pong")
        try stack.backends.start(.mariadb)
        try stack.wait("sends work again", seconds: 15) {
          try socket.send(text: "again", ref: "again")
          while true {
            let answer = try socket.receiveJSON(within: .seconds(5))
            if answer["type"]?.string == "ack" { return true }
            if answer["type"]?.string == "error" { return false }
          }
        }
        try stack.waitUntilHealthy()
        let texts = try FinalState(stack: stack).room(room, server: 1).messages.map(\.text)
        #expect(texts.filter { $0 == "again" }.count == 1, "\(texts)")
      }
    }

    // MARK: Servers

    @Test func whenAServerIsKilledItsClientsResumeElsewhere() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        try stack.fill(room, 1...5)
        let (socket, _, _) = try stack.join(room, server: 0)
        stack.kill(0)
        #expect(try socket.receiveClose() == nil)
        for number in 6...9 {
          #expect(try stack.send("n\(number)", ref: "r\(number)", to: room, server: 1).status == 201)
        }
        let (_, ready, replay) = try stack.join(room, server: 1, since: 5)
        #expect(ready["complete"]?.boolean == true)
        #expect(replay.compactMap(\.event) == [6, 7, 8, 9])
      }
    }

    @Test func whatWasAcknowledgedIsIndexedAlthoughItsServerDied() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        for server in 0..<2 { stack.server(server).elasticsearch.answer = .unavailable }
        try stack.fill(room, 1...50)
        stack.kill(0)
        for server in 0..<2 { stack.server(server).elasticsearch.answer = .honest }
        try stack.waitUntilIndexed()
        let documents = try FinalState(stack: stack).indexed().filter { $0.room == room }
        #expect(documents.map(\.seq).sorted() == Array(1...50))
      }
    }

    /// Hazard 2: a server that is stopped in the middle of a transaction holds its lanes' locks.
    @Test func aPausedServerDoesNotHoldItsRoomsForLong() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        let (socket, _, _) = try stack.join(room, server: 0)
        var slowest = Duration.zero
        for round in 1...5 {
          for number in 1...200 { try socket.send(text: "n\(number)", ref: "p-\(round)-\(number)") }
          stack.server(0).process?.signal(SIGSTOP)
          let start = ContinuousClock.now
          let reply = try stack.send("here", ref: "here-\(round)", to: room, server: 1)
          slowest = max(slowest, .now - start)
          stack.server(0).process?.signal(SIGCONT)
          #expect(reply.status == 201 || reply.status == 503, "\(reply)")
        }
        #expect(slowest < .seconds(8), "\(slowest)")
      }
    }

    /// Hazard 12: a storm of joins, each from elsewhere, on two servers that know nothing of the room.
    @Test func twoThousandJoinsOfAColdRoomAreOneReadOfItsHistory() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        try stack.fill(room, 1...300)
        try stack.trimJournal(of: room)
        for server in 0..<2 {
          stack.kill(server)
          try stack.start(server)
        }
        try stack.backends.flushRedis()
        let ports = (0..<2).map { stack.server($0).clients.upstream }
        let before = stack.count(of: "_search") + stack.count(of: "_mget")
        let joined = try concurrently(40) { thread in
          try (0..<50).map { number in
            let since = Int64((thread * 50 + number) % 290)
            return Joined(try stack.join(room, server: 0, since: since + 1, port: ports[number % 2]).socket)
          }
        }
        #expect(joined.reduce(0) { $0 + $1.count } == 2_000)
        #expect(stack.count(of: "_search") + stack.count(of: "_mget") - before == 1)
      }
    }

    /// Keeps a connection until the storm is over.
    private final class Joined: @unchecked Sendable {
      let socket: WebSocketClient
      init(_ socket: WebSocketClient) { self.socket = socket }
    }
  }
}
