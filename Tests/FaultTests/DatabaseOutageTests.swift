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
          { try $0.get("/v1/search?q=number&user=ann") },
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
