import Drivers
import Foundation
import TestSupport
import Testing

/// An index that is too far behind, or does not say a word.
@Suite(.serialized, .enabled(if: StackEnvironment.isAvailable, "PALAVER_TEST_… is not set"))
struct SlowIndexTests {
  /// Two servers, and what stands between them and Elasticsearch.
  private struct Parts {
    let installation: Installation
    let proxy: ElasticsearchProxy
    let user = "ann"

    init(flags: [String] = []) throws {
      let port = PrivateBackends.elasticsearchPort ?? 0
      proxy = try ElasticsearchProxy(upstream: port)
      installation = try Installation(
        .stack, flags: ["--auth", "open", "--allow-open"] + flags,
        environment: ["PALAVER_ELASTICSEARCH_URL": "http://127.0.0.1:\(proxy.port)"])
      _ = try installation.http().post("/v1/users", ["name": .string(user)])
    }

    func remove() {
      proxy.answer = .honest
      installation.remove()
      proxy.stop()
    }

    func makeRoom() throws -> Int64 {
      guard let id = try installation.http().post("/v1/chatrooms")["id"]?.integer else {
        throw TestSupportError("no room")
      }
      return id
    }

    func send(_ text: String, to room: Int64, server: Int = 0) throws -> HTTPTestResponse {
      try installation.http(server).post("/v1/chatrooms/\(room)/messages?user=\(user)", ["text": .string(text)])
    }

    func change(_ method: String, _ seq: Int64, in room: Int64) throws -> HTTPTestResponse {
      try installation.http().request(
        method, "/v1/chatrooms/\(room)/messages/\(seq)?user=\(user)", body: Array(#"{"text": "changed"}"#.utf8))
    }

    func socket(_ room: Int64, server: Int = 0, _ protocols: [String] = ["palaver.v1"]) throws -> WebSocketClient {
      try WebSocketClient(
        port: installation.port(server), "/v1/chatrooms/\(room)/join?user=\(user)", subprotocols: protocols)
    }

    func wait(_ what: String, until isSo: () throws -> Bool) throws {
      let clock = RunClock()
      guard clock.wait(upTo: 40_000, until: { (try? isSo()) ?? false }) else {
        throw TestSupportError("not within 40 s: \(what)")
      }
    }
  }

  @Test func aFullJournalRefusesMessagesUntilTheIndexHasCaughtUp() async throws {
    try await onOwnThread {
      let parts = try Parts(flags: ["--journal-limit", "50"])
      defer { parts.remove() }
      let room = try parts.makeRoom()
      let socket = try parts.socket(room)
      _ = try socket.next("ready")
      let raw = try parts.socket(room, server: 1, [])
      parts.proxy.answer = .refusing
      var stored = 0
      var refusal: HTTPTestResponse?
      while refusal == nil {
        let reply = try parts.send("number \(stored + 1)", to: room)
        if reply.status == 201 { stored += 1 } else { refusal = reply }
        // How far the limit is passed depends on how often the journal is looked at.
        try #require(stored < 20_000)
      }
      #expect(stored >= 50)
      #expect(refusal?.status == 503 && refusal?["error"]?.string == "unavailable", "\(String(describing: refusal))")
      #expect(refusal?["retry_after_ms"]?.integer != nil && refusal?.header("Retry-After") != nil)
      try parts.wait("the other server refuses too") { try parts.send("no", to: room, server: 1).status == 503 }

      try socket.send(text: "no", ref: "over-v1")
      let error = try socket.next("error")
      #expect(error["error"]?.string == "unavailable" && error["ref"]?.string == "over-v1", "\(error)")
      #expect(error["retry_after_ms"]?.integer != nil, "\(error)")
      try raw.send("no")
      #expect(try raw.receiveClose() == 1013)

      #expect(try parts.change("PATCH", 1, in: room).status == 503)
      #expect(try parts.change("DELETE", 1, in: room).status == 200)
      #expect(try metrics(parts).contains(#"palaver_backpressure{reason="backlog"} 1.0"#))

      parts.proxy.answer = .honest
      try parts.wait("messages are taken again") { try parts.send("at last", to: room).status == 201 }
      #expect(try metrics(parts).contains(#"palaver_backpressure{reason="backlog"} 0.0"#))
      let count = try parts.installation.http().get("/v1/chatrooms/\(room)")["last_seq"]?.integer ?? 0
      #expect(count > Int64(stored))
      try parts.wait("everything is found") {
        let reply = try parts.installation.http().get("/v1/search?q=number&room=\(room)")
        return reply["total"]?["value"]?.integer == Int64(stored - 1)
      }
    }
  }

  private func metrics(_ parts: Parts) throws -> String { try parts.installation.http().get("/metrics").text }

  /// Each room's join would otherwise wait for the whole timeout of a read.
  @Test func aSilentIndexIsNotAskedForEachRoomAgain() async throws {
    try await onOwnThread {
      let parts = try Parts()
      defer { parts.remove() }
      let rooms = try (0..<20).map { _ in try parts.makeRoom() }
      for room in rooms { #expect(try parts.send("old", to: room).status == 201) }
      guard let stack = parts.installation.stack else { throw TestSupportError("no stack") }
      try parts.wait("everything is indexed") {
        try stack.mariadb("SELECT SUM(head - indexed) FROM \(stack.name).journal_lanes").hasPrefix("0")
      }
      try stack.mariadb("DELETE FROM \(stack.name).journal")
      parts.proxy.answer = .silent
      for room in rooms { #expect(try parts.send("new", to: room).status == 201) }
      let before = parts.proxy.count(of: "_search") + parts.proxy.count(of: "_mget")
      for room in rooms {
        let socket = try parts.socket(room, server: 1)
        let ready = try socket.next("ready", within: .seconds(30))
        #expect(ready["complete"]?.boolean == false, "\(ready)")
        #expect(try socket.next("message")["text"]?.string == "new")
        socket.drop()
      }
      // One at first; then at most one at the end of each pause, which doubles.
      let asked = parts.proxy.count(of: "_search") + parts.proxy.count(of: "_mget") - before
      #expect(asked < rooms.count / 2, "\(asked)")
      parts.proxy.answer = .honest
      try parts.wait("the whole history is back") {
        let socket = try parts.socket(rooms[0], server: 1)
        defer { socket.drop() }
        let ready = try socket.next("ready")
        return try ready["complete"]?.boolean == true && socket.next("message")["text"]?.string == "old"
      }
    }
  }
}
