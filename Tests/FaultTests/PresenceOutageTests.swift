import Drivers
import TestSupport
import Testing

extension StackTests {
  @Suite(.serialized) struct PresenceOutageTests {
    /// Nobody says good-bye for a server that was killed: another one notices that its leases have ended.
    @Test func whoWasOnAKilledServerHasLeftForThoseElsewhere() async throws {
      try await SharedStack.use { stack in
        for user in ["ann", "bob"] { try stack.makeUser(user) }
        let room = try stack.makeRoom()
        let (ann, _, _) = try stack.join(room, server: 1)
        let bob = try WebSocketClient(
          port: stack.port(0), "/v1/chatrooms/\(room)/join?user=bob", subprotocols: ["palaver.v1"])
        defer { withExtendedLifetime(bob) {} }
        while try !Self.names("joined", ann.next("presence")).contains("bob") {}
        stack.kill(0)
        while try !Self.names("left", ann.next("presence", within: .seconds(30))).contains("bob") {}
        #expect(try stack.http(1).get("/v1/chatrooms/\(room)/users")["users"]?.array?.count == 1)
      }
    }

    private static func names(_ member: String, _ frame: JSONValue) -> [String] {
      frame[member]?.array?.compactMap(\.string) ?? []
    }
  }
}
