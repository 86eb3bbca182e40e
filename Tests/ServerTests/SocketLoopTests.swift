import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex
@testable import server

@Suite struct RawSocketTests {
  @Test func takesWhatIsSentTogetherWithTheHandshake() async throws {
    try await TestEdge.run { test in
      let socket = try test.connect("/raw", extra: clientFrame("first") + clientFrame("second"))
      try socket.sendText("third")
      let texts = try (0..<3).map { _ in try socket.frame().json?["message"]?.string }
      #expect(texts == ["first", "second", "third"])
    }
  }

  @Test func storesInOrderWhatComesBeforeTheRoomIsJoined() async throws {
    try await TestEdge.run { test in
      test.hub.holdsJoins = true
      let socket = try test.connect("/raw")
      for index in 0..<100 { try socket.sendText("\(index)") }
      #expect(test.hub.sends.wait(for: 100))
      test.hub.release()
      let texts = try (0..<100).map { _ in try socket.frame().json?["message"]?.string }
      #expect(texts == (0..<100).map { "\($0)" })
      #expect(test.hub.texts(in: 1) == (0..<100).map { "\($0)" })
    }
  }

  @Test func storesWhatWasSentRightBeforeTheClientLeft() async throws {
    try await TestEdge.run { test in
      test.hub.holdsJoins = true
      let socket = try test.connect("/raw")
      try socket.send(clientFrame("last words") + clientFrame([0x03, 0xE8], opcode: 0x8))
      #expect(try socket.closeCode() == 1000)
      #expect(test.hub.texts(in: 1) == ["last words"])
      #expect(test.hub.leaves.wait())
      #expect(test.presence.current(1) == [])
    }
  }

  @Test func echoesToEverybodyInOneOrder() async throws {
    try await TestEdge.run { test in
      let sockets = try (0..<8).map { _ in try test.connect("/raw") }
      #expect(test.hub.joins.wait(for: 8))
      for index in 0..<50 { try sockets[index % 8].sendText("\(index)") }
      let seen = try sockets.map { socket in try (0..<50).map { _ in try socket.frame().json?["seq"]?.integer } }
      for seqs in seen { #expect(seqs == (1...50).map(Int64.init)) }
    }
  }

  @Test func closesWhereTheStoreRefuses() async throws {
    try await TestEdge.run { test in
      let socket = try test.connect("/raw")
      test.hub.failure = .unavailable("The journal")
      try socket.sendText("hi")
      #expect(try socket.closeCode() == 1013)
    }
  }

  @Test func readsOnAfterAFloodHadToWait() async throws {
    try await TestEdge.run(configured { $0.sockets.session.sends = .init(rate: 4_000, burst: 100) }) { test in
      let socket = try test.connect("/raw")
      let flood = (0..<2_000).flatMap { clientFrame("\($0)") }
      try socket.send(flood)
      for index in 0..<2_000 { #expect(try socket.frame().json?["message"]?.string == "\(index)") }
    }
  }

  @Test func boundsWhatIsNotAcknowledged() async throws {
    try await TestEdge.run(
      configured {
        $0.sockets.session.sendsInFlight = 10
        $0.loops = 1
      }
    ) { test in
      test.hub.holdsSends = true
      let socket = try test.connect("/raw")
      try socket.send((0..<25).flatMap { clientFrame("\($0)") })
      #expect(test.hub.sends.wait(for: 10))
      #expect(test.hub.texts(in: 1).count == 10)
      test.hub.release()
      #expect(test.hub.sends.wait(for: 15), "reading goes on when half of it is acknowledged")
      test.hub.holdsSends = false
      test.hub.release()
      #expect(test.hub.sends.wait(for: 25))
    }
  }
}

@Suite struct V1SocketTests {
  @Test func beginsWithReadyAndAcknowledgesEachSend() async throws {
    try await TestEdge.run { test in
      let socket = try test.connect("/v1", extra: clientFrame(#"{"type":"send","ref":"a","text":"hi"}"#))
      let types = try (0..<4).map { _ in try socket.frame().type }
      #expect(types.first == "ready")
      #expect(types.contains("ack") && types.contains("message") && types.contains("replayed"))
    }
  }

  @Test func pagesEditsReadsAndAuthenticates() async throws {
    try await TestEdge.run { test in
      let socket = try test.connect("/v1")
      _ = try socket.frame("replayed")
      try socket.sendText(#"{"type":"history","ref":"h","limit":3}"#)
      let page = try socket.frame("history")
      #expect(page["ref"]?.string == "h" && page["messages"]?.array?.count == 3)
      #expect(page["has_more_before"]?.boolean == true)
      try socket.sendText(#"{"type":"edit","ref":"e","seq":99,"text":"x"}"#)
      #expect(try socket.frame("error")["error"]?.string == "message_not_found")
      try socket.sendText(#"{"type":"read","seq":5}"#)
      #expect(try socket.frame("read")["seq"]?.integer == 5)
      try socket.sendText(#"{"type":"read","seq":1000}"#)
      #expect(try socket.frame("read")["seq"]?.integer == 10, "not beyond the newest message")
      try socket.sendText(#"{"type":"auth","token":"bad","ref":"t"}"#)
      #expect(try socket.frame("error")["error"]?.string == "unauthorized")
      try socket.sendText(#"{"type":"auth","token":"good"}"#)
      #expect(try socket.frame("auth")["expires_at"]?.integer == 4_000_000_000_000)
    }
  }

  @Test func joinsAndLeavesRoomsOnOneConnection() async throws {
    try await TestEdge.run { test in
      let socket = try test.connect("/connect")
      try socket.sendText(#"{"type":"join","room":7,"ref":"j"}"#)
      try socket.sendText(#"{"type":"send","room":7,"ref":"s","text":"hi"}"#)
      #expect(try socket.frame("ready")["room"]?.integer == 7)
      #expect(try socket.frame("ack")["ref"]?.string == "s")
      #expect(test.presence.current(7) == ["anna"])
      try socket.sendText(#"{"type":"leave","room":7,"ref":"l"}"#)
      #expect(try socket.frame("left")["ref"]?.string == "l")
      #expect(test.presence.current(7) == [])
      try socket.sendText(#"{"type":"join","room":100}"#)
      #expect(try socket.frame("error")["error"]?.string == "room_not_found")
    }
  }

  @Test func endsWhatTheHubEnds() async throws {
    try await TestEdge.run { test in
      let (single, many) = (try test.connect("/v1"), try test.connect("/connect"))
      try many.sendText(#"{"type":"join","room":1}"#)
      _ = try single.frame("replayed")
      _ = try many.frame("replayed")
      test.hub.post(.evict(1, bob.id))
      test.hub.post(.notice(1, V1Frames.typing(1, user: "x")))
      _ = try single.frame("typing")
      test.hub.post(.evict(1, anna.id))
      #expect(try single.closeCode() == 4003)
      #expect(try many.frame("left")["reason"]?.string == "removed")
      let another = try test.connect("/v1")
      _ = try another.frame("replayed")
      test.hub.post(.interrupt(1))
      #expect(try another.closeCode() == 1013)
      test.hub.refusal = .unavailable("History")
      let refused = try test.connect("/v1")
      #expect(try refused.frame("error")["error"]?.string == "unavailable")
      #expect(try refused.closeCode() == 1013)
    }
  }

  @Test func endsTheSocketsOfUsersWhoWereDeletedTogether() async throws {
    try await TestEdge.run { test in
      let old = try [test.connect("/raw"), test.connect("/v1"), test.connect("/connect")]
      _ = try old[1].frame("replayed")
      let kept = try test.connect("/v1?user=bob")
      _ = try kept.frame("replayed")
      #expect(bob.id > anna.id)
      test.hub.post(.evictUsers(upTo: anna.id))
      for socket in old + [try test.connect("/raw")] { #expect(try socket.closeCode() == 4003) }
      try kept.sendText(#"{"type":"send","ref":"s","text":"hi"}"#)
      _ = try kept.frame("ack")
      #expect(test.presence.current(1) == ["bob"])
    }
  }

  @Test func tellsOfPresenceAndTyping() async throws {
    try await TestEdge.run { test in
      let socket = try test.connect("/v1")
      _ = try socket.frame("replayed")
      let other = try test.connect("/v1?user=bob")
      _ = try other.frame("replayed")
      try other.sendText(#"{"type":"typing"}"#)
      #expect(try socket.frame("typing")["user"]?.string == "bob")
      // Whoever types is not told: what comes back is the answer to what was sent next.
      try other.sendText(#"{"type":"ping"}"#)
      var type = try other.frame().type
      while type == "presence" { type = try other.frame().type }
      #expect(type == "pong")
      #expect(try socket.frame("presence")["present"]?.integer == 2)
    }
  }

  @Test(arguments: ["/v1", "/raw"])
  func closesWhenTheTokenExpires(path: String) async throws {
    try await TestEdge.run { test in
      let socket = try test.connect("\(path)?expires=\(WallClock.now + 300)")
      #expect(try socket.closeCode() == 4001)
    }
  }

  @Test func goesByTheTokenThatItWasGivenLast() async throws {
    try await TestEdge.run { test in
      let socket = try test.connect("/v1?expires=\(WallClock.now + 3_600_000)")
      try socket.sendText(#"{"type":"auth","token":"brief"}"#)
      _ = try socket.frame("auth")
      #expect(try socket.closeCode() == 4001)
    }
  }
}

@Suite struct SocketLifetimeTests {
  @Test(arguments: [
    (clientFrame([1, 2], opcode: 0x2), 1003), (clientFrame([0xFF]), 1007), ([0x81, 0x01, 0x61] as [UInt8], 1002),
    ([0x81, 0xFF, 0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0], 1009), (clientFrame("[1]"), 4000),
  ])
  func closesWithTheRightCode(input: [UInt8], code: Int) async throws {
    try await TestEdge.run { test in
      let socket = try test.connect("/v1")
      try socket.send(input)
      #expect(try socket.closeCode() == code)
      try socket.send(clientFrame([0x03, 0xE8], opcode: 0x8))
      #expect(try socket.isAtEnd())
    }
  }

  @Test func answersPingsAndTheClosingHandshake() async throws {
    try await TestEdge.run { test in
      let socket = try test.connect("/raw")
      try socket.send(clientFrame([1, 2, 3], opcode: 0x9))
      let pong = try socket.frame()
      #expect(pong.opcode == 0xA && pong.payload == [1, 2, 3])
      try socket.send(clientFrame([], opcode: 0x8))
      #expect(try socket.closeCode() == 1000)
      #expect(try socket.isAtEnd())
    }
  }

  @Test func pingsAndEndsTheSilent() async throws {
    try await TestEdge.run(configured { $0.sockets.times = SocketTimes(pingInterval: 200, silence: 900, closing: 300) })
    { test in
      let socket = try test.connect("/raw")
      #expect(try socket.frame().opcode == 0x9)
      while try !socket.isAtEnd() { _ = try socket.frame() }
      #expect(test.metric("palaver_websocket_closed_total{reason=\"timedOut\"}") == 1)
    }
  }

  @Test func cutsOffWhoDoesNotReadAndSlowsNoOneElse() async throws {
    try await TestEdge.run(
      configured {
        $0.sockets.limits.sendBuffer = 16 << 10
        $0.sockets.limits.queue = 256 << 10
        $0.sockets.times.closing = 60_000
      }
    ) { test in
      let slow = try TestSocket(port: test.port, receiveBuffer: 4_096)
      try slow.handshake("/raw")
      let quick = try test.connect("/raw")
      #expect(test.hub.joins.wait(for: 2))
      let text = String(repeating: "x", count: 10_000)
      for index in 1...100 {
        try quick.sendText(text)
        #expect(try quick.frame().json?["seq"]?.integer == Int64(index))
      }
      #expect(test.metric("palaver_websocket_overflows_total") == 1)
      #expect(try slow.closeCode() == 4008)
    }
  }

  @Test func bringsALongReplayThatIsLargerThanTheQueue() async throws {
    try await TestEdge.run(configured { $0.sockets.limits.queue = 64 << 10 }) { test in
      let writer = try test.connect("/raw")
      let text = String(repeating: "x", count: 10_000)
      for _ in 0..<100 {
        try writer.sendText(text)
        _ = try writer.frame()
      }
      let reader = try TestSocket(port: test.port, receiveBuffer: 4_096)
      try reader.handshake("/raw")
      for index in 1...100 { #expect(try reader.frame().json?["seq"]?.integer == Int64(index)) }
    }
  }

  @Test func survivesResetsAndForgetsTheirPresence() async throws {
    try await TestEdge.run { test in
      for _ in 0..<50 {
        let socket = try test.connect("/raw")
        try socket.send([0x81, 0xFE])
        socket.reset()
      }
      #expect(test.hub.leaves.wait(for: 50))
      #expect(test.presence.current(1) == [])
      while test.metric("palaver_websockets") ?? 0 > 0 { await Task.yield() }
      let socket = try test.connect("/raw", extra: clientFrame("alive"))
      #expect(try socket.frame().json?["message"]?.string == "alive")
    }
  }

  @Test func drainsWithGoodbyesAfterTheLastAcknowledgement() async throws {
    try await TestEdge.run { test in
      let (v1, raw) = (try test.connect("/v1"), try test.connect("/raw"))
      _ = try v1.frame("replayed")
      test.hub.holdsSends = true
      try v1.sendText(#"{"type":"send","ref":"last","text":"x"}"#)
      #expect(test.hub.sends.wait())
      async let drained: Void = test.edge.drain(within: .seconds(8))
      #expect(try raw.closeCode() == 1001)
      try raw.send(clientFrame([0x03, 0xE9], opcode: 0x8))
      test.hub.release()
      #expect(try v1.frame("ack")["ref"]?.string == "last")
      #expect((0...5_000).contains(try v1.frame("bye")["reconnect_after_ms"]?.integer ?? -1))
      #expect(try v1.closeCode() == 1001)
      try v1.send(clientFrame([0x03, 0xE9], opcode: 0x8))
      await drained
      #expect(try TestSocket(port: test.port).request(TestSocket.handshakeText("/raw")).status == 503)
      #expect(try TestSocket(port: test.port).get("/echo").status == 200)
    }
  }

  @Test func drainsWithoutThoseWhoDoNotAnswer() async throws {
    try await TestEdge.run { test in
      let socket = try test.connect("/raw")
      await test.edge.drain(within: .milliseconds(200))
      #expect(try socket.closeCode() == 1001)
      #expect(test.metric("palaver_websockets") == 0)
    }
  }
}
