import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// The service that Palaver succeeds: its clients keep working as they are.
  @Suite struct SuccessionTests {
    @Test(arguments: Profile.available)
    func oldClientsFindExactlyTheirMessages(profile: Profile) throws {
      let installation = try Installation(profile)
      defer { installation.remove() }
      let first = ChatClient(installation, 0)
      let second = ChatClient(installation, 1)

      try first.expect(first.http.request("DELETE", "/v1/users"), 200)
      let room = try first.makeRoom()
      try first.expect(first.http.post("/v1/chatrooms/users", ["name": "John"]), 200)
      try second.expect(second.http.post("/v1/users", ["name": "Master"]), 200)

      let john = try first.joinRaw(room, as: "John")
      let texts = ["one", "two", "three", "four"]
      try john.sendAtOnce(texts)
      let master = try second.joinRaw(room, as: "Master")

      for client in [john, master] {
        let frames = try client.receiveRaw(4)
        #expect(frames.map { $0["message"]?.string } == texts)
        try checkFrames(frames, room: room, user: "John")
      }
      for client in [first, second] {
        let reply = try client.http.get("/v1/chatrooms/\(room)/users")
        #expect(reply["users"] == .array(["John", "Master"]), "\(reply)")
      }
      #expect(try john.close() == 1000)
      #expect(try master.close() == 1000)

      for (client, user) in [(second, "John"), (first, "Master")] {
        let again = try client.joinRaw(room, as: user)
        let frames = try again.receiveRaw(4)
        #expect(frames.map { $0["message"]?.string } == texts)
        try checkFrames(frames, room: room, user: "John")
        // Nothing but the four: a close frame is answered after everything that was queued.
        try again.send(.close, [0x03, 0xE8])
        #expect(try again.receive() == .close(code: 1000, reason: ""))
      }
    }

    /// Whoever is still connected would go on under an id that is nobody's.
    @Test(arguments: Profile.available)
    func deletingAllUsersEndsTheirSockets(profile: Profile) throws {
      let installation = try Installation(profile)
      defer { installation.remove() }
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let room = try first.makeRoom()
      for name in ["John", "Master"] { _ = try first.makeUser(name) }
      let sockets = [
        try first.joinRaw(room, as: "John"), try second.join(room, as: "John"), try second.connect(as: "Master"),
      ]
      try first.expect(first.http.request("DELETE", "/v1/users"), 200)
      for socket in sockets { #expect(try socket.receiveClose() == 4003) }

      _ = try second.makeUser("John")
      let again = try second.joinRaw(room, as: "John")
      try again.send("still here")
      #expect(try again.receiveJSON()["message"]?.string == "still here")
      for client in [first, second] {
        #expect(try client.http.get("/v1/chatrooms/\(room)/users")["users"] == .array(["John"]))
      }
    }

    private func checkFrames(_ frames: [JSONValue], room: Int64, user: String) throws {
      for (index, frame) in frames.enumerated() {
        #expect(frame["chatroom"]?.integer == room)
        #expect(frame["user"]?.string == user)
        #expect((frame["timestamp"]?.integer ?? 0) > 1_700_000_000_000, "milliseconds: \(frame.compact)")
        #expect(frame["seq"]?.integer == Int64(index + 1))
        #expect(frame["event"]?.integer == Int64(index + 1))
        #expect(frame["id"]?.string == "\(room)-\(index + 1)")
      }
    }
  }
}
