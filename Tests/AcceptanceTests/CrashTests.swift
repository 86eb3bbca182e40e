import Drivers
import TestSupport
import Testing

extension AcceptanceTests {
  /// What was acknowledged survives the server's sudden end.
  @Suite(.serialized) struct CrashTests {
    @Test(.timeLimit(.minutes(3)), arguments: Profile.available)
    func anAcknowledgedMessageIsInHistoryAndSearchAfterKill(profile: Profile) throws {
      let installation = try Installation(profile)
      defer { installation.remove() }
      let room = try ChatClient(installation).makeRoom()
      let user = try ChatClient(installation).freshUser()
      var expected: [String] = []
      for round in 0..<4 {
        let client = try ChatClient(installation, round).join(room, as: user, "&limit=1")
        for index in 0..<25 {
          let text = "unforgettable\(round)x\(index)"
          _ = try client.sendMessage(text)
          expected.append(text)
        }
        // No time between the last ack and the end: what is not indexed yet must be indexed later.
        installation.kill()
        client.drop()
        try installation.restart()
        let chat = ChatClient(installation, round + 1)
        #expect(try chat.history(of: room).map { $0["text"]?.string ?? "" } == expected)
        let hits = try Self.hits(chat, "\"unforgettable\(round)x24\"")
        #expect(hits == ["unforgettable\(round)x24"])
      }
      let client = try ChatClient(installation).join(room, as: user, "&since=0")
      let (ready, frames, _) = try client.receiveReplay()
      #expect(ready["complete"]?.boolean == true)
      #expect(frames.map { $0["event"]?.integer } == (1...Int64(expected.count)).map { $0 })
    }

    /// Elasticsearch shows a message when it is indexed and refreshed; until then the search looks beside it.
    private static func hits(_ chat: ChatClient, _ query: String) throws -> [String] {
      let deadline = ContinuousClock.now + .seconds(10)
      while true {
        let reply = try chat.http.get("/v1/search?q=\(percentEncoded(query))")
        let texts = reply["hits"]?.array?.compactMap { $0["message"]?["text"]?.string } ?? []
        if !texts.isEmpty || ContinuousClock.now > deadline { return texts }
      }
    }

    @Test(.timeLimit(.minutes(3)), arguments: Profile.available)
    func aKillUnderLoadLosesNothingThatWasAcknowledged(profile: Profile) throws {
      let installation = try Installation(profile)
      defer { installation.remove() }
      let room = try ChatClient(installation).makeRoom()
      let names = try (0..<8).map { try ChatClient(installation).makeUser("writer-\($0)") }
      let ports = [installation.port(0), installation.port(1)]
      let started = Countdown(names.count)
      let acknowledged = try concurrently(names.count + 1) { index -> [String] in
        guard index < names.count else {
          let areAllUnderWay = started.wait(within: 60)
          #expect(areAllUnderWay)
          installation.kill()
          return []
        }
        return try Self.sendUntilTheEnd(
          ChatClient(HTTPTestClient(port: ports[index % 2])), room, names[index], started)
      }
      try installation.restart()
      let chat = ChatClient(installation)
      let stored = try chat.history(of: room)
      let refs = stored.compactMap { $0["text"]?.string }
      #expect(Set(refs).isSuperset(of: acknowledged.joined()))
      #expect(Set(refs).count == refs.count)
      #expect(stored.map { $0["seq"]?.integer } == (1...Int64(stored.count)).map { $0 })
      // Sending the last ones again, as a client that saw no ack does, stores nothing twice.
      for (name, texts) in zip(names, acknowledged) {
        guard let last = texts.last else { continue }
        #expect(try chat.post(last, to: room, as: name, ref: last).status == 200)
      }
      #expect(try chat.history(of: room).count == stored.count)
    }

    private static func sendUntilTheEnd(
      _ chat: ChatClient, _ room: Int64, _ user: String, _ started: Countdown
    ) throws -> [String] {
      let socket = try chat.join(room, as: user, "&limit=1")
      var acknowledged: [String] = []
      while true {
        let text = "\(user)-\(acknowledged.count)"
        guard (try? socket.sendMessage(text, ref: text)) != nil else { return acknowledged }
        acknowledged.append(text)
        if acknowledged.count == 30 { started.arrive() }
      }
    }
  }
}
