import Drivers
import Foundation
import TestSupport
import Testing

extension AcceptanceTests {
  /// What no decent client sends. After each piece the server lives, and another client never noticed.
  @Suite struct BadInputTests {
    /// A client that must not be disturbed.
    private struct Bystander {
      let chat: ChatClient
      let room: Int64
      let user: String
      private let socket: WebSocketClient

      init(_ installation: Installation) throws {
        chat = ChatClient(installation)
        user = try chat.freshUser()
        room = try chat.makeRoom()
        socket = try chat.join(room, as: user)
        _ = try socket.receiveReplay()
      }

      /// Sends and hears its own message: the server lives, and this connection with it.
      func check(after what: String) throws {
        do {
          let text = "after \(what.prefix(60))"
          try socket.send(["type": "send", "ref": .string(ChatClient.freshName("ref")), "text": .string(text)])
          // The acknowledgement and the message itself, whichever comes first.
          var awaited: Set = ["ack", "message"]
          while !awaited.isEmpty {
            let frame = try socket.receiveJSON()
            guard frame["type"]?.string != "error" else { throw TestSupportError(frame.compact) }
            awaited.remove(frame["type"]?.string ?? "")
          }
          #expect(try chat.http.get("/healthz").status == 200)
        } catch {
          throw TestSupportError("disturbed by \(what): \(error)")
        }
      }
    }

    @Test(arguments: Profile.available)
    func rawHTTPThatIsNone(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let bystander = try Bystander(installation)
      let host = "Host: x\r\n"
      let many = (0..<2_000).map { "X-\($0): \(String(repeating: "v", count: 100))\r\n" }.joined()
      let pieces: [(what: String, bytes: [UInt8])] = [
        ("nothing", []),
        ("noise", (0..<4_096).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }),
        ("zeros", [UInt8](repeating: 0, count: 10_000)),
        ("a TLS greeting", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03]),
        ("a header bomb", Array("GET /healthz HTTP/1.1\r\n\(host)\(many)\r\n".utf8)),
        ("one endless header", Array("GET /healthz HTTP/1.1\r\nX: ".utf8) + [UInt8](repeating: 0x61, count: 300_000)),
        ("an endless target", Array("GET /\(String(repeating: "a", count: 200_000)) HTTP/1.1\r\n\(host)\r\n".utf8)),
        (
          "a huge length",
          Array("POST /v1/users HTTP/1.1\r\n\(host)Content-Length: 99999999999999999999\r\n\r\n{}".utf8)
        ),
        (
          "a large length",
          Array("POST /v1/users HTTP/1.1\r\n\(host)Content-Length: 9223372036854775807\r\n\r\n{}".utf8)
        ),
        ("a negative length", Array("POST /v1/users HTTP/1.1\r\n\(host)Content-Length: -1\r\n\r\n{}".utf8)),
        (
          "two lengths",
          Array("POST /v1/users HTTP/1.1\r\n\(host)Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}".utf8)
        ),
        (
          "a length and chunks",
          Array(
            "POST /v1/users HTTP/1.1\r\n\(host)Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".utf8)
        ),
        ("a wrong chunk", Array("POST /v1/users HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\nzz\r\n".utf8)),
        (
          "a huge chunk",
          Array("POST /v1/users HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n".utf8)
        ),
        ("no version", Array("GET /healthz\r\n\r\n".utf8)),
        ("bytes in the path", Array("GET /\u{FF}%FF%00%zz HTTP/1.1\r\n\(host)\r\n".utf8)),
        ("a dot path", Array("GET /../../etc/passwd HTTP/1.1\r\n\(host)\r\n".utf8)),
        ("half a request", Array("GET /v1/chat".utf8)),
        ("half a body", Array("POST /v1/users HTTP/1.1\r\n\(host)Content-Length: 100\r\n\r\n{".utf8)),
      ]
      for (what, bytes) in pieces {
        let socket = try Socket(port: bystander.chat.http.port)
        try? socket.send(bytes)
        socket.finishSending()
        // Whatever it answers, it is an HTTP error or an end, and never a success by accident.
        let reply = readAll(socket, within: .seconds(1))
        #expect(!reply.hasPrefix("HTTP/1.1 2") && !reply.hasPrefix("HTTP/1.1 500"), "\(what): \(reply.prefix(200))")
        socket.close()
        try bystander.check(after: what)
      }
    }

    /// What comes until the end; a server that still waits for the rest says nothing.
    private func readAll(_ socket: Socket, within time: Duration) -> String {
      let deadline = ContinuousClock.now + time
      var bytes: [UInt8] = []
      while let more = try? socket.receive(until: deadline) { bytes += more }
      return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: Profile.available)
    func bodiesThatAreTooLargeOrNoJSON(profile: Profile) throws {
      let bystander = try Bystander(try Servers.shared(profile))
      let http = bystander.chat.http
      let target = "/v1/chatrooms/\(bystander.room)/messages?user=\(bystander.user)"
      let large = [UInt8](repeating: 0x20, count: 1_048_577)
      let tooLarge = try http.request("POST", target, body: large)
      #expect(tooLarge.status == 413, "\(tooLarge)")
      let padded = Array(#"{"text":"x"}"#.utf8) + large.prefix(1_048_576 - 12)
      #expect(try http.request("POST", target, body: padded).status == 201)
      let bodies: [(what: String, bytes: [UInt8])] = [
        ("not UTF-8", Array(#"{"text":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)),
        ("cut off", Array(#"{"text":"x"#.utf8)),
        ("deep", [UInt8](repeating: 0x5B, count: 500_000)),
        ("deep objects", Array(String(repeating: #"{"a":"#, count: 100_000).utf8)),
        ("a lone number", Array("1".utf8)),
        ("two documents", Array(#"{"text":"x"}{"text":"y"}"#.utf8)),
        ("a byte order mark", [0xEF, 0xBB, 0xBF] + Array(#"{"text":"x"}"#.utf8)),
      ]
      for (what, bytes) in bodies {
        let reply = try http.request("POST", target, body: bytes)
        #expect(reply.status == 400, "\(what): \(reply)")
        try bystander.check(after: what)
      }
    }

    @Test(arguments: Profile.available)
    func framesThatEndTheConnection(profile: Profile) throws {
      let bystander = try Bystander(try Servers.shared(profile))
      typealias Client = WebSocketClient
      let frames: [(what: String, bytes: [UInt8], code: Int)] = [
        ("binary", Client.frame(2, [1, 2, 3], mask: 7), 1003),
        ("not UTF-8", Client.frame(1, [0x22, 0xFF, 0xFE, 0x22], mask: 7), 1007),
        ("half a character", Client.frame(1, [0xE2, 0x82], mask: 7), 1007),
        ("a surrogate", Client.frame(1, [0x22, 0xED, 0xA0, 0x80, 0x22], mask: 7), 1007),
        ("over 128 KiB", Client.frame(1, [UInt8](repeating: 0x20, count: 131_073), mask: 7), 1009),
        ("unmasked", Client.frame(1, Array("{}".utf8), mask: nil), 1002),
        ("a reserved opcode", Client.frame(3, [], mask: 7), 1002),
        ("a reserved bit", Client.frame(0x41, Array("{}".utf8), mask: 7), 1002),
        ("a long ping", Client.frame(9, [UInt8](repeating: 0, count: 126), mask: 7), 1002),
        ("a fragmented ping", Client.frame(9, [], isFinal: false, mask: 7), 1002),
        ("a continuation of nothing", Client.frame(0, [0x20], mask: 7), 1002),
        ("two beginnings", Client.frame(1, [0x7B], isFinal: false, mask: 7) + Client.frame(1, [0x7D], mask: 7), 1002),
        ("a length with the top bit", [0x81, 0xFF] + [UInt8](repeating: 0xFF, count: 8) + [1, 2, 3, 4], 0),
        ("no JSON", Client.frame(1, Array("hello".utf8), mask: 7), 4000),
        ("an array", Client.frame(1, Array("[]".utf8), mask: 7), 4000),
        ("a string", Client.frame(1, Array("\"x\"".utf8), mask: 7), 4000),
        ("nothing at all", Client.frame(1, [], mask: 7), 4000),
        ("deep JSON", Client.frame(1, [UInt8](repeating: 0x5B, count: 100_000), mask: 7), 4000),
      ]
      for (what, bytes, code) in frames {
        let client = try bystander.chat.join(bystander.room, as: bystander.user)
        _ = try client.receiveReplay()
        try client.socket.send(bytes)
        let received = try client.receiveClose()
        if code != 0 {
          #expect(received == code, "\(what)")
        } else {
          #expect([1002, 1009, nil].contains(received), "\(what)")
        }
        try bystander.check(after: what)
      }
    }

    @Test(arguments: Profile.available)
    func fragmentsOfATextAreOneMessage(profile: Profile) throws {
      let bystander = try Bystander(try Servers.shared(profile))
      let client = try bystander.chat.joinRaw(bystander.chat.makeRoom(), as: bystander.user)
      let text = Array("zwölf 😀 fragments".utf8)
      for (index, byte) in text.enumerated() {
        try client.send(index == 0 ? .text : .continuation, [byte], isFinal: index == text.count - 1)
        // Control frames may stand between fragments (RFC 6455, 5.4).
        if index == 5 { try client.send(.ping, [42]) }
      }
      #expect(try client.receive() == .pong([42]))
      #expect(try client.receiveJSON()["message"]?.string == "zwölf 😀 fragments")
      try client.close()
      try bystander.check(after: "fragments")
    }

    @Test(arguments: Profile.available)
    func handshakesThatAreNone(profile: Profile) throws {
      let bystander = try Bystander(try Servers.shared(profile))
      let target = "GET /v1/chatrooms/\(bystander.room)/join?user=\(bystander.user) HTTP/1.1\r\nHost: x\r\n"
      let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
      let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      let heads: [(what: String, text: String)] = [
        ("no key", target + upgrade + "Sec-WebSocket-Version: 13\r\n\r\n"),
        ("a short key", target + upgrade + "Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n"),
        ("an old version", target + upgrade + key + "Sec-WebSocket-Version: 8\r\n\r\n"),
        ("no version", target + upgrade + key + "\r\n"),
        (
          "another upgrade",
          target + "Upgrade: h2c\r\nConnection: Upgrade\r\n" + key + "Sec-WebSocket-Version: 13\r\n\r\n"
        ),
        ("a POST", target.replacing("GET", with: "POST") + upgrade + key + "Sec-WebSocket-Version: 13\r\n\r\n"),
      ]
      for (what, text) in heads {
        let reply = try bystander.chat.http.exchange(Array(text.utf8))
        #expect((400..<500).contains(reply.status), "\(what): \(reply)")
        try bystander.check(after: what)
      }
      let half = try Socket(port: bystander.chat.http.port)
      try half.send((target + upgrade + key).utf8)
      half.close()
      try bystander.check(after: "half a handshake")
    }

    @Test(arguments: Profile.available)
    func slowHeadersAndManyIdleConnectionsDisturbNobody(profile: Profile) throws {
      let bystander = try Bystander(try Servers.shared(profile))
      let idle = try (0..<200).map { _ in try Socket(port: bystander.chat.http.port) }
      for (index, byte) in "GET /healthz HTTP/1.1\r\nHost: x\r\n".utf8.enumerated() {
        for socket in idle.prefix(20) { try? socket.send([byte]) }
        if index % 10 == 0 { try bystander.check(after: "slow headers") }
      }
      try bystander.check(after: "slow headers")
      for socket in idle { socket.close() }
    }

    @Test(arguments: Profile.available)
    func oddNamesAndTextsComeBackAsTheyWere(profile: Profile) throws {
      let installation = try Servers.shared(profile)
      let (first, second) = (ChatClient(installation, 0), ChatClient(installation, 1))
      let room = try first.makeRoom()
      let stem = ChatClient.freshName()
      let odd = [
        "a b", "a/b", "a%2Fb", "a?b", "a#b", "a+b", "a&b=c", "\"q\"", "'q'", "\\", "`", "<b>", "{}", "..", "😀", "ねこ",
        "e\u{301}", "İi", "ß", "\u{200D}", "a\u{202E}b", "%", "%s%n", "$(x)", "; DROP TABLE users", "null", "*", "_",
        "|",
      ]
      for name in odd {
        let user = stem + name
        let made = try first.http.post("/v1/users", ["name": .string(user)])
        // Decomposed names are either composed or refused, and never two users.
        guard made.status == 200 || made.status == 400 else { throw TestSupportError("\(name): \(made)") }
        guard made.status == 200 else { continue }
        let stored = try found(made["name"]?.string, "\(made)")
        #expect(try second.http.get("/v1/users/\(percentEncoded(stored))")["name"]?.string == stored)
        let sent = try first.send("from \(name)", to: room, as: stored)
        #expect(sent["user"]?.string == stored)
      }
      let texts =
        odd + ["\n\n", "\u{0}", "\u{1}\u{1F}\u{7F}", "\u{FEFF}x", "\u{FFFF}", String(repeating: "😀", count: 4_096)]
      let author = try first.freshUser()
      for text in texts {
        let reply = try first.post(text, to: room, as: author)
        guard reply.status != 400 else { continue }
        #expect(reply.status == 201 && reply["text"]?.string == text, "\(reply)")
        let newest = try second.page(room, "limit=1")
        #expect(newest["messages"]?.array?.first?["text"]?.string == text)
      }
    }
  }
}
