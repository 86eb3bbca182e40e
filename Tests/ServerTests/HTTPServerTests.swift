import Drivers
import Foundation
import Testing

@testable import server

@Suite struct HTTPServerTests {
  @Test func answersWithWhatTheRouteSaysAndAnID() async throws {
    try await TestEdge.run { test in
      let socket = try TestSocket(port: test.port)
      let reply = try socket.get("/echo/a%20b?x=1&y=%C3%A9", headers: "X-Request-Id: mine-1\r\n")
      #expect(reply.status == 200)
      #expect(reply.headers["x-request-id"] == "mine-1")
      #expect(reply.json?["path"]?.string == "echo|a b")
      #expect(reply.json?["query"]?.string == "x=1|y=é")
      #expect(reply.json?["address"]?.string == "127.0.0.1")
      let second = try socket.get("/echo", headers: "X-Request-Id: a b\r\n")
      #expect(second.headers["x-request-id"]?.utf8.count == 16, "the connection is kept, the ID replaced")
    }
  }

  @Test func givesErrorsTheContractsBody() async throws {
    try await TestEdge.run { test in
      let socket = try TestSocket(port: test.port)
      let busy = try socket.get("/busy", headers: "X-Request-Id: r\r\n")
      #expect(busy.status == 503 && busy.headers["retry-after"] == "2")
      #expect(busy.json?["code"]?.integer == 503)
      #expect(busy.json?["error"]?.string == "unavailable")
      #expect(busy.json?["request_id"]?.string == "r")
      #expect(busy.json?["retry_after_ms"]?.integer == 1_500)
      let broken = try socket.get("/broken")
      #expect(broken.status == 500 && broken.json?["error"]?.string == "internal")
      #expect(try socket.get("/%FF").json?["error"]?.string == "invalid_url")
    }
  }

  @Test func answersHeadWithoutABody() async throws {
    try await TestEdge.run { test in
      let socket = try TestSocket(port: test.port)
      let head = try socket.request("HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n", isHead: true)
      #expect(head.status == 200 && head.headers["content-length"] != "0")
      #expect(try socket.get("/echo").json?["method"]?.string == "GET")
    }
  }

  @Test func takesABodyOfTheLimitAndRefusesMore() async throws {
    try await TestEdge.run { test in
      let body = [UInt8](repeating: 0x20, count: 1 << 20)
      let whole = try TestSocket(port: test.port).request(
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n", body: body)
      #expect(whole.json?["bytes"]?.integer == 1 << 20)
      let waiting = try TestSocket(port: test.port).request(
        "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: \(body.count + 1)\r\n\r\n")
      #expect(waiting.status == 413 && waiting.json?["error"]?.string == "body_too_large")
      let chunks = Array("100001\r\n".utf8) + body + [0x20] + Array("\r\n0\r\n\r\n".utf8)
      let chunked = try TestSocket(port: test.port).request(
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", body: chunks)
      #expect(chunked.status == 413)
    }
  }

  /// As most clients do: everything is sent before anything is read.
  @Test(arguments: [(1 << 20) + 1, 8 << 20])
  func tellsWhoSentTooMuch(bytes: Int) async throws {
    try await TestEdge.run { test in
      let socket = try TestSocket(port: test.port)
      let reply = try socket.request(
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: \(bytes)\r\n\r\n",
        body: [UInt8](repeating: 0x20, count: bytes))
      #expect(reply.status == 413 && reply.json?["error"]?.string == "body_too_large")
      #expect(try socket.get("/echo").status == 200, "the connection can be used again")
    }
  }

  @Test(arguments: ["-1", "99999999999999999999999", "1e3", "0x5", "+5", "9223372036854775807"])
  func refusesAbsurdContentLengths(length: String) async throws {
    try await TestEdge.run { test in
      let reply = try TestSocket(port: test.port).request(
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: \(length)\r\n\r\n")
      #expect([400, 413].contains(reply.status))
      #expect(try TestSocket(port: test.port).get("/echo").status == 200)
    }
  }

  @Test func answersPipelinedRequestsInTheirOrder() async throws {
    try await TestEdge.run { test in
      let socket = try TestSocket(port: test.port)
      try socket.send((0..<50).map { "GET /echo/\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
      for index in 0..<50 { #expect(try socket.reply().json?["path"]?.string == "echo|\(index)") }
    }
  }

  @Test func survivesHeaderBombsNoiseAndResets() async throws {
    try await TestEdge.run { test in
      let bomb = try TestSocket(port: test.port)
      try? bomb.send("GET /echo HTTP/1.1\r\nHost: x\r\n")
      for index in 0..<20_000 { if (try? bomb.send("X-\(index): \(index)\r\n")) == nil { break } }
      for noise in ["\u{0}\u{1}\u{2}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\r\n\r\n\r\n"] {
        let socket = try TestSocket(port: test.port)
        try socket.send(noise)
        socket.reset()
      }
      let half = try TestSocket(port: test.port)
      try half.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
      half.reset()
      #expect(try TestSocket(port: test.port).get("/echo").status == 200)
    }
  }

  @Test func endsRequestsThatDripIn() async throws {
    try await TestEdge.run(configured { $0.http.requestTime = 300 }) { test in
      let socket = try TestSocket(port: test.port)
      try socket.send("GET /echo HTTP/1.1\r\nX-Slow: ")
      #expect(try socket.isAtEnd())
      let body = try TestSocket(port: test.port)
      try body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1")
      #expect(try body.isAtEnd())
    }
  }

  @Test func answersPreflightsOfAllowedOriginsAndRefusesOthers() async throws {
    try await TestEdge.run(
      configured {
        $0.http.origins = OriginPolicy(allowed: ["https://chat.example"], isEnforced: true)
      }
    ) { test in
      let socket = try TestSocket(port: test.port)
      let preflight = try socket.request(
        "OPTIONS /echo HTTP/1.1\r\nHost: x\r\nOrigin: https://chat.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n"
      )
      #expect(preflight.status == 204)
      #expect(preflight.headers["access-control-allow-origin"] == "https://chat.example")
      let allowed = try socket.get("/echo", headers: "Origin: https://chat.example\r\n")
      #expect(allowed.status == 200 && allowed.headers["vary"] == "Origin")
      let own = try socket.get("/echo", headers: "Origin: http://test\r\n")
      #expect(own.status == 200)
      let foreign = try socket.get("/echo", headers: "Origin: https://evil.example\r\n")
      #expect(foreign.status == 403 && foreign.json?["error"]?.string == "origin_not_allowed")
    }
  }

  @Test func forgetsEveryRequest() async throws {
    try await TestEdge.run { test in
      for _ in 0..<20 {
        let socket = try TestSocket(port: test.port)
        _ = try socket.get("/echo")
        try socket.send("GET /echo HTTP/1.1\r\nHost")
        socket.reset()
      }
      let socket = try test.connect("/raw")
      socket.close()
      // The gauge falls once the daemon's thread has seen the ends.
      while test.metric("palaver_http_connections") ?? 0 > 0 { await Task.yield() }
      #expect(test.metric("palaver_http_replies_total{class=\"2xx\"}") == 20)
      #expect(test.metric("palaver_http_replies_total{class=\"1xx\"}") == 1)
    }
  }
}

@Suite struct WebSocketHandshakeTests {
  @Test func acceptsTheStandardsExample() async throws {
    try await TestEdge.run { test in
      let socket = try TestSocket(port: test.port)
      let reply = try socket.handshake("/v1")
      #expect(reply.headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
      #expect(reply.headers["sec-websocket-protocol"] == "palaver.v1")
      #expect(reply.headers["upgrade"]?.lowercased() == "websocket")
      let raw = try TestSocket(port: test.port).handshake("/raw")
      #expect(raw.headers["sec-websocket-protocol"] == nil)
    }
  }

  @Test(arguments: [
    ("upgrade", true), ("UPGRADE", true), ("keep-alive ,\t Upgrade \t", true), (",,upgrade,", true),
    ("up grade", false),
    ("upgraded", false), ("", false), (",", false), ("keep-alive", false), ("upgrad\u{E9}", false),
  ])
  func findsATokenInAListAsHTTPSaysIt(connection: String, isUpgrade: Bool) {
    let headers = [
      "upgrade": " WebSocket", "connection": connection, "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ]
    let request = HTTPRequest(
      method: "GET", path: [], query: [], headers: headers, body: [], id: "r-1", remoteAddress: "127.0.0.1")
    #expect(((try? WebSocketHandshake(request)) != nil) == isUpgrade)
  }

  @Test func refusesHalfHandshakesAndGivesThePresenceBack() async throws {
    try await TestEdge.run { test in
      let good = TestSocket.handshakeText("/v1")
      let cases = [
        (good.replacingOccurrences(of: "Upgrade: websocket\r\n", with: ""), 426),
        (good.replacingOccurrences(of: "Version: 13", with: "Version: 8"), 426),
        (good.replacingOccurrences(of: "keep-alive, Upgrade", with: "keep-alive"), 426),
        (good.replacingOccurrences(of: "dGhlIHNhbXBsZSBub25jZQ==", with: "c2hvcnQ="), 400),
        (good.replacingOccurrences(of: "dGhlIHNhbXBsZSBub25jZQ==", with: "%%%"), 400),
      ]
      for (text, status) in cases {
        let reply = try TestSocket(port: test.port).request(text)
        #expect(reply.status == status)
        if status == 426 { #expect(reply.headers["sec-websocket-version"] == "13") }
      }
      #expect(test.presence.current(1) == [])
    }
  }

  @Test func boundsTheNumberOfWebSockets() async throws {
    try await TestEdge.run(configured { $0.http.webSockets = 2 }) { test in
      let sockets = try [test.connect("/raw"), test.connect("/raw")]
      #expect(try TestSocket(port: test.port).request(TestSocket.handshakeText("/raw")).status == 503)
      sockets[0].close()
      while test.metric("palaver_websockets") ?? 0 > 1 { await Task.yield() }
      _ = try test.connect("/raw")
      try sockets[1].sendText("still here")
      #expect(test.hub.sends.wait())
    }
  }
}
