import FakeHTTPServer
import Foundation
import Testing

@testable import Drivers

@Suite(.timeLimit(.minutes(1))) struct HTTPClientTests {
  @Test func aBodyTravelsWithItsLengthAndComesBackWhole() async throws {
    let server = try FakeHTTPServer { .reply(201, String(decoding: $0.body, as: UTF8.self)) }
    let client = HTTPClient()
    defer {
      client.close()
      server.stop()
    }
    let body = Array(repeating: UInt8(ascii: "x"), count: 2_000_000)
    let reply = try await client.send(HTTPRequest(.post, server.origin + "/a?b=c", headers: ["X-Test: 1"], body: body))
    #expect(reply == HTTPReply(status: 201, body: body))
    let request = try #require(server.requests.first)
    #expect(request.line == "POST /a?b=c HTTP/1.1")
    #expect(request.header("Content-Length") == "2000000")
    #expect(request.header("X-Test") == "1")
    #expect(request.header("Expect") == nil)
    #expect(request.header("Transfer-Encoding") == nil)
  }

  @Test func anEmptyBodyIsABody() async throws {
    let server = try FakeHTTPServer { .reply(200, "\($0.header("Content-Length") ?? "none")") }
    let client = HTTPClient()
    defer {
      client.close()
      server.stop()
    }
    #expect(try await client.send(HTTPRequest(.put, server.origin, body: [])).body == Array("0".utf8))
  }

  @Test func manyRequestsAtOnceAreEachAnswered() async throws {
    let server = try FakeHTTPServer { .reply(200, $0.line) }
    let client = HTTPClient()
    defer {
      client.close()
      server.stop()
    }
    let origin = server.origin
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<200 {
        group.addTask {
          let reply = try await client.send(HTTPRequest(.get, "\(origin)/\(number)"))
          return reply.body == Array("GET /\(number) HTTP/1.1".utf8)
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
  }

  @Test func silenceEndsWithTheDeadline() async throws {
    let server = try FakeHTTPServer { _ in .silence }
    let client = HTTPClient()
    defer {
      client.close()
      server.stop()
    }
    let error = await #expect(throws: HTTPError.self) {
      try await client.send(HTTPRequest(.get, server.origin, timeout: .milliseconds(100)))
    }
    #expect(error?.kind == .timedOut)
  }

  @Test(arguments: [
    FakeHTTPServer.Answer.reset, .bytes("nonsense\r\n\r\n"), .bytes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
    .bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
  ])
  func aBrokenReplyIsAnError(answer: FakeHTTPServer.Answer) async throws {
    let server = try FakeHTTPServer { _ in answer }
    let client = HTTPClient()
    defer {
      client.close()
      server.stop()
    }
    await #expect(throws: HTTPError.self) { try await client.send(HTTPRequest(.get, server.origin)) }
  }

  @Test func aReplyOverTheBoundIsRefused() async throws {
    let server = try FakeHTTPServer { _ in .reply(200, String(repeating: "x", count: 1_001)) }
    let client = HTTPClient()
    defer {
      client.close()
      server.stop()
    }
    let error = await #expect(throws: HTTPError.self) {
      try await client.send(HTTPRequest(.get, server.origin, maximumReplyBytes: 1_000))
    }
    #expect(error?.kind == .replyTooLarge)
  }

  @Test func nobodyListeningIsUnreachable() async throws {
    let client = HTTPClient()
    defer { client.close() }
    let error = await #expect(throws: HTTPError.self) {
      try await client.send(HTTPRequest(.get, "http://127.0.0.1:1/"))
    }
    #expect(error?.kind == .unreachable)
    #expect(error?.message.contains("127.0.0.1") == true)
    let invalid = await #expect(throws: HTTPError.self) {
      try await client.send(HTTPRequest(.get, "file:///etc/passwd"))
    }
    #expect(invalid?.kind == .invalid)
  }

  @Test func cancellingTheTaskEndsTheRequest() async throws {
    let server = try FakeHTTPServer { _ in .silence }
    let client = HTTPClient()
    defer {
      client.close()
      server.stop()
    }
    let origin = server.origin
    let task = Task { try await client.send(HTTPRequest(.get, origin)) }
    task.cancel()
    let error = await #expect(throws: HTTPError.self) { try await task.value }
    #expect(error?.kind == .cancelled)
  }

  @Test func closingAnswersWhatIsUnderWayAndWhatComesLater() async throws {
    let server = try FakeHTTPServer { _ in .silence }
    defer { server.stop() }
    let client = HTTPClient()
    let origin = server.origin
    let pending = Task { try await client.send(HTTPRequest(.get, origin)) }
    while server.requests.isEmpty { await Task.yield() }
    client.close()
    await #expect(throws: HTTPError.self) { try await pending.value }
    let later = await #expect(throws: HTTPError.self) { try await client.send(HTTPRequest(.get, origin)) }
    #expect(later?.kind == .closed)
  }
}

@Suite(.timeLimit(.minutes(1))) struct NodePoolTests {
  @Test func aDeadNodeIsSteppedOverAndLeftAlone() async throws {
    let server = try FakeHTTPServer { _ in .reply(200, "") }
    let broken = try FakeHTTPServer { _ in .reset }
    let client = HTTPClient()
    defer {
      client.close()
      server.stop()
      broken.stop()
    }
    let pool = NodePool([HTTPNode(origin: broken.origin), HTTPNode(origin: server.origin)], client: client)
    let start = ContinuousClock.now
    for _ in 0..<4 { #expect(try await pool.send(NodeRequest(.get, "/")).status == 200) }
    #expect(server.requests.count == 4)
    // A busy machine may take so long that the dead node is rightly probed again.
    let pauses = Int((ContinuousClock.now - start) / NodeSelector.firstPause)
    #expect((1...1 + pauses).contains(broken.requests.count))
  }

  @Test func credentialsAreSent() async throws {
    let server = try FakeHTTPServer { .reply(200, $0.header("Authorization") ?? "") }
    let client = HTTPClient()
    defer {
      client.close()
      server.stop()
    }
    let basic = NodePool(
      [HTTPNode(origin: server.origin, credentials: .basic(user: "u", password: "pä:"))], client: client)
    #expect(try await basic.send(NodeRequest(.get, "/")).body == Array("Basic dTpww6Q6".utf8))
    let key = NodePool([HTTPNode(origin: server.origin, credentials: .apiKey("abc"))], client: client)
    #expect(try await key.send(NodeRequest(.get, "/")).body == Array("ApiKey abc".utf8))
  }

  @Test func aNodesURLIsTakenApart() throws {
    let node = try #require(HTTPNode(parsing: "https://us%40er:p%3Aw@[::1]:9200/"))
    #expect(node.origin == "https://[::1]:9200")
    guard case .basic("us@er", "p:w") = node.credentials else {
      Issue.record("\(node.credentials)")
      return
    }
    guard case .apiKey("k") = HTTPNode(parsing: "http://h:9200", apiKey: "k")?.credentials else {
      Issue.record("the key is missing")
      return
    }
    for url in ["", "h:9200", "ftp://h", "http://", "http://h/path", "http://h?x", "http://h:port"] {
      #expect(HTTPNode(parsing: url) == nil, "\(url)")
    }
  }

  @Test func aDeadNodeIsProbedAfterAPauseThatGrows() {
    let start = ContinuousClock.now
    var selector = NodeSelector(count: 2)
    selector.failed(0, at: start)
    #expect((0..<3).map { _ in selector.pick(at: start) } == [1, 1, 1])
    let later = start + .seconds(1)
    #expect(Set((0..<2).map { _ in selector.pick(at: later) }) == [0, 1])
    #expect(selector.pick(at: later) == 1)
    selector.failed(0, at: later)
    #expect((0..<3).map { _ in selector.pick(at: later + .milliseconds(1_999)) } == [1, 1, 1])
    selector.succeeded(0, at: later)
    #expect(Set((0..<2).map { _ in selector.pick(at: later) }) == [0, 1])
  }

  @Test func whereAllAreDeadTheOneDueFirstIsAsked() {
    let start = ContinuousClock.now
    var selector = NodeSelector(count: 2)
    selector.failed(1, at: start)
    selector.failed(0, at: start + .milliseconds(10))
    #expect(selector.pick(at: start + .milliseconds(20)) == 1)
  }

  @Test func aSlowRequestDoesNotMakeANodeDeadThatAnswersOthers() {
    let start = ContinuousClock.now
    var selector = NodeSelector(count: 1)
    selector.succeeded(0, at: start + .seconds(1))
    selector.timedOut(0, since: start, at: start + .seconds(5))
    #expect(selector.pickAnswering(at: start + .seconds(5)) == 0)
    selector.timedOut(0, since: start + .seconds(2), at: start + .seconds(7))
    #expect(selector.pickAnswering(at: start + .seconds(7)) == nil)
    #expect(selector.pick(at: start + .seconds(7)) == 0)
    #expect(selector.pickAnswering(at: start + .seconds(8)) == 0, "one request finds out whether it is back")
    #expect(selector.pickAnswering(at: start + .seconds(8)) == nil)
    selector.succeeded(0, at: start + .seconds(9))
    #expect(selector.pickAnswering(at: start + .seconds(9)) == 0)
  }

  @Test func requestsThatFailFastDoNotWaitForASilentServerASecondTime() async throws {
    let server = try FakeHTTPServer { _ in .silence }
    let client = HTTPClient()
    defer {
      client.close()
      server.stop()
    }
    let pool = NodePool([HTTPNode(origin: server.origin)], client: client)
    let first = await #expect(throws: HTTPError.self) {
      try await pool.send(NodeRequest(.get, "/", timeout: .milliseconds(50), failsFast: true))
    }
    #expect(first?.kind == .timedOut)
    // The pause may end on a busy machine; then one request finds out again.
    var kinds: [HTTPError.Kind] = []
    for _ in 0..<50 {
      do {
        _ = try await pool.send(NodeRequest(.get, "/", timeout: .milliseconds(50), failsFast: true))
      } catch {
        kinds.append(error.kind)
      }
    }
    #expect(kinds.count == 50 && kinds.contains(.unreachable))
    #expect(server.requests.count < 50)
  }
}
