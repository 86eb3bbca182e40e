import Drivers
import Foundation
import TestSupport
import Testing

extension StackTests {
  /// What clients are told, and how soon, while a server cannot reach MySQL.
  @Suite(.serialized) struct DatabaseOutageTests {
    private static func reopen(_ stack: FaultyStack) throws {
      stack.server(1).database.state = .open
      try stack.wait("the database is back", seconds: 20) {
        try stack.http(1).post("/v1/chatrooms", JSONValue(parsing: "{}")).status < 300
      }
    }

    @Test(arguments: [LinkState.refusing, .silent])
    func framesOfAConnectionSayWhenToComeAgain(state: LinkState) async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let (known, unknown) = (try stack.makeRoom(), try stack.makeRoom())
        try stack.fill(known, 1...3)
        let socket = try WebSocketClient(port: stack.port(1), "/v1/connect?user=ann", subprotocols: ["palaver.v1"])
        try socket.send(#"{"type": "join", "room": \#(known)}"#)
        _ = try socket.next("replayed")
        stack.server(1).database.state = state
        for frame in [
          #"{"type": "join", "room": \#(unknown), "ref": "j"}"#,
          #"{"type": "read", "room": \#(known), "seq": 2, "ref": "r"}"#,
        ] {
          try socket.send(frame)
          let error = try socket.next("error", within: .seconds(20))
          #expect(error["error"]?.string == "unavailable", "\(frame): \(error)")
          #expect(error["retry_after_ms"]?.integer != nil, "\(frame): \(error)")
        }
        try Self.reopen(stack)
      }
    }

    /// Neither has searched before, and one of them is connected and says nothing.
    @Test(arguments: [LinkState.refusing, .silent])
    func whoIsThereSearchesOnWithWhatWasKnown(state: LinkState) async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let (caller, connected, stranger) = ("caller-\(state)", "connected-\(state)", "stranger-\(state)")
        for name in [caller, connected, stranger] { try stack.makeUser(name) }
        let made = try stack.http(0).post(
          "/v1/chatrooms?user=ann",
          JSONValue(parsing: #"{"kind": "private", "members": ["\#(caller)", "\#(connected)"]}"#))
        let room = try #require(made["id"]?.integer, "\(made)")
        let word = "kept\(UInt32.random(in: 0 ... .max))"
        #expect(try stack.send("\(word) number", ref: word, to: room).status == 201)
        try stack.waitUntilIndexed()
        let socket = try WebSocketClient(
          port: stack.port(1), "/v1/connect?user=\(connected)", subprotocols: ["palaver.v1"])
        for name in [caller, stranger] { #expect(try stack.http(1).get("/v1/chatrooms?user=\(name)").status == 200) }
        // What they may read is looked at every second.
        RunClock().wait(2_500)
        stack.server(1).database.state = state
        var found: [String: Int] = [:]
        for name in [caller, connected, stranger] {
          let reply = try stack.http(1, timeout: .seconds(30)).get("/v1/search?q=\(word)&user=\(name)")
          #expect(reply.status == 200, "\(name): \(reply)")
          found[name] = reply["hits"]?.array?.count
        }
        #expect(found == [caller: 1, connected: 1, stranger: 0])
        // The other server reaches the database and tells of it over Redis.
        let removal = try stack.http(0).request(
          "DELETE", "/v1/chatrooms/\(room)/members/\(caller)?user=ann")
        #expect(removal.status < 300, "\(removal)")
        try stack.wait("who was removed finds nothing", seconds: 10) {
          try stack.http(1).get("/v1/search?q=\(word)&user=\(caller)")["hits"]?.array?.isEmpty == true
        }
        try Self.reopen(stack)
        _ = socket
      }
    }

    /// Connections are open or accepted, and nothing comes back: as from a machine that hangs.
    @Test func aSilentMySQLHoldsNobodyForLong() async throws {
      try await SharedStack.use { stack in
        try stack.makeUser("ann")
        let room = try stack.makeRoom()
        try stack.fill(room, 1...5)
        let messages = "/v1/chatrooms/\(room)/messages"
        // A room is kept in memory once it was asked for again.
        for _ in 0..<3 { #expect(try stack.http(1).get(messages).status == 200) }
        stack.server(1).database.state = .silent
        let calls: [(HTTPTestClient) throws -> HTTPTestResponse] = [
          { _ in try stack.send("no", ref: "silent", to: room, server: 1) },
          { try $0.get("/v1/users/nobody-of-that-name") },
          { try $0.post("/v1/chatrooms", JSONValue(parsing: "{}")) },
          { try $0.get("/v1/search?q=number&user=nobody-of-that-name") },
        ]
        for call in calls {
          let start = ContinuousClock.now
          let reply = try call(stack.http(1, timeout: .seconds(60)))
          #expect(.now - start < .seconds(10), "\(reply)")
          #expect(reply.status == 503 && reply["retry_after_ms"]?.integer != nil, "\(reply)")
        }
        // By now the server knows: each would wait for 3 s of its own otherwise.
        let start = ContinuousClock.now
        for _ in 0..<10 { #expect(try stack.http(1).get(messages).status == 200) }
        #expect(.now - start < .seconds(15))
        try Self.reopen(stack)
      }
    }
  }
}
