import Drivers
import Foundation
import TestSupport

/// What outage tests do with a stack: rooms, users, messages, and waiting for what comes of its own.
extension FaultyStack {
  func makeRoom() throws -> Int64 {
    let reply = try http(0).post("/v1/chatrooms", JSONValue(parsing: "{}"))
    guard let id = reply["id"]?.integer else { throw TestSupportError("no room: \(reply)") }
    return id
  }

  func makeUser(_ name: String) throws {
    let reply = try http(0).post("/v1/users", JSONValue(parsing: #"{"name": "\#(name)"}"#))
    guard [200, 409].contains(reply.status) else { throw TestSupportError("no user: \(reply)") }
  }

  /// Sends over HTTP.
  func send(_ text: String, ref: String, to room: Int64, server: Int = 0) throws -> HTTPTestResponse {
    try http(server).post(
      "/v1/chatrooms/\(room)/messages?user=ann", JSONValue(parsing: #"{"text": "\#(text)", "ref": "\#(ref)"}"#))
  }

  /// Sends so many numbered messages, all of which must be stored.
  func fill(_ room: Int64, _ range: ClosedRange<Int>) throws {
    for number in range {
      let reply = try send("number \(number)", ref: "fill-\(number)", to: room)
      guard reply.status == 201 else { throw TestSupportError("not sent: \(reply)") }
    }
  }

  /// A client of a room, and what it was told on joining.
  func join(
    _ room: Int64, server: Int, since: Int64? = nil, port: Int? = nil
  ) throws -> (socket: WebSocketClient, ready: JSONValue, replay: [Frame]) {
    let socket = try WebSocketClient(
      port: port ?? self.port(server),
      "/v1/chatrooms/\(room)/join?user=ann" + (since.map { "&since=\($0)" } ?? ""), subprotocols: ["palaver.v1"])
    let ready = try socket.next("ready")
    var replay: [Frame] = []
    while true {
      guard let frame = Frame(try socket.receiveJSON()) else { continue }
      if case .replayed = frame { return (socket, ready, replay) }
      replay.append(frame)
    }
  }

  /// Waits until the indexers are through, then until nothing of the room is left in the journal.
  func trimJournal(of room: Int64) throws {
    try waitUntilIndexed()
    try backends.ageJournal(olderThan: 0)
    try wait("the journal is trimmed", seconds: 40) {
      try backends.mariadb("SELECT COUNT(*) FROM journal WHERE room_id = \(room)").hasPrefix("0")
    }
  }

  func waitUntilIndexed() throws {
    try wait("everything is indexed", seconds: 40) { try FinalState(stack: self).unindexed() == 0 }
  }

  /// Both servers reach everything again.
  func waitUntilHealthy() throws {
    try wait("all is well again", seconds: 30) {
      try (0..<Self.serverCount).allSatisfy { try http($0).get("/readyz")["status"]?.string == "ok" }
    }
  }

  func wait(_ what: String, seconds: Int, until isSo: () throws -> Bool) throws {
    let clock = RunClock()
    guard clock.wait(upTo: seconds * 1_000, until: { (try? isSo()) ?? false }) else {
      throw TestSupportError("not within \(seconds) s: \(what)")
    }
  }

  /// Requests that Elasticsearch got of this sort, through both servers.
  func count(of endpoint: String) -> Int {
    (0..<processCount).reduce(0) { $0 + server($1).elasticsearch.count(of: endpoint) }
  }
}

extension WebSocketClient {
  /// The next frame of that type; others pass.
  func next(_ type: String, within time: Duration = .seconds(10)) throws -> JSONValue {
    let deadline = ContinuousClock.now + time
    while true {
      let frame = try receiveJSON(until: deadline)
      if frame["type"]?.string == type { return frame }
    }
  }

  func send(text: String, ref: String) throws {
    try send(#"{"type": "send", "text": "\#(text)", "ref": "\#(ref)"}"#)
  }
}
