import Drivers
import Foundation
import TestSupport
import Testing

/// The calls that most tests make, with what they expect of a call that succeeds.
struct ChatClient {
  var http: HTTPTestClient

  init(_ http: HTTPTestClient) { self.http = http }

  /// To a server of an installation.
  init(_ installation: Installation, _ index: Int = 0) { http = installation.http(index) }

  /// With a token in the header.
  init(_ installation: Installation, token: String, _ index: Int = 0) {
    http = installation.http(index)
    http.headers = [("Authorization", "Bearer \(token)")]
  }

  /// A name that no other test uses.
  static func freshName(_ stem: String = "user") -> String { "\(stem)-\(UInt32.random(in: 0...UInt32.max))" }

  /// - Parameter wish: the body; none at all is the plainest room.
  func makeRoom(_ wish: JSONValue? = nil) throws -> Int64 {
    let reply = try http.post("/v1/chatrooms", wish)
    try expect(reply, 200)
    return try found(reply["id"]?.integer, "\(reply)")
  }

  @discardableResult
  func makeUser(_ name: String) throws -> String {
    try expect(try http.post("/v1/users", ["name": .string(name)]), 200)
    return name
  }

  func freshUser(_ stem: String = "user") throws -> String { try makeUser(Self.freshName(stem)) }

  /// Sends over HTTP and returns the message.
  @discardableResult
  func send(_ text: String, to room: Int64, as user: String, ref: String? = nil) throws -> JSONValue {
    let reply = try post(text, to: room, as: user, ref: ref)
    try expect(reply, 201)
    return reply.json
  }

  func post(_ text: String, to room: Int64, as user: String, ref: String? = nil) throws -> HTTPTestResponse {
    var body: [(name: String, value: JSONValue)] = [("text", .string(text))]
    if let ref { body.append(("ref", .string(ref))) }
    return try http.post(
      "/v1/chatrooms/\(room)/messages?user=\(percentEncoded(user))", .object(JSONObject(body)))
  }

  func edit(_ seq: Int64, _ text: String, in room: Int64, as user: String) throws -> HTTPTestResponse {
    try http.request(
      "PATCH", "/v1/chatrooms/\(room)/messages/\(seq)?user=\(percentEncoded(user))",
      body: Array((["text": .string(text)] as JSONValue).compact.utf8))
  }

  func delete(_ seq: Int64, in room: Int64, as user: String) throws -> HTTPTestResponse {
    try http.request("DELETE", "/v1/chatrooms/\(room)/messages/\(seq)?user=\(percentEncoded(user))")
  }

  /// - Parameter query: such as `limit=5&before=9`.
  func page(_ room: Int64, _ query: String = "") throws -> HTTPTestResponse {
    let reply = try http.get("/v1/chatrooms/\(room)/messages?\(query)")
    try expect(reply, 200)
    return reply
  }

  /// The whole history, paged forward from the beginning.
  func history(of room: Int64) throws -> [JSONValue] {
    var messages: [JSONValue] = []
    while true {
      let page = try page(room, "limit=200&after=\(messages.last?["seq"]?.integer ?? 0)")
      let more = page["messages"]?.array ?? []
      messages += more
      guard page["has_more_after"]?.boolean == true else { return messages }
      guard !more.isEmpty else { throw TestSupportError("an empty page with has_more_after: \(page)") }
    }
  }

  func search(_ query: String, _ more: String = "") throws -> HTTPTestResponse {
    let reply = try http.get("/v1/search?q=\(percentEncoded(query))\(more)")
    try expect(reply, 200)
    return reply
  }

  /// The raw protocol.
  func joinRaw(_ room: Int64, as user: String, _ query: String = "") throws -> WebSocketClient {
    try WebSocketClient(port: http.port, "/v1/chatrooms/\(room)/join?user=\(percentEncoded(user))\(query)")
  }

  /// `palaver.v1`, before `ready`.
  func join(_ room: Int64, as user: String, _ query: String = "") throws -> WebSocketClient {
    try WebSocketClient(
      port: http.port, "/v1/chatrooms/\(room)/join?user=\(percentEncoded(user))\(query)", subprotocols: ["palaver.v1"])
  }

  func connect(as user: String) throws -> WebSocketClient {
    try WebSocketClient(port: http.port, "/v1/connect?user=\(percentEncoded(user))", subprotocols: ["palaver.v1"])
  }

  func expect(_ reply: HTTPTestResponse, _ status: Int) throws {
    guard reply.status == status else { throw TestSupportError("\(status) expected: \(reply)") }
  }
}

/// A value that must be there for the test to go on.
func found<Value>(_ value: Value?, _ what: @autoclosure () -> String) throws -> Value {
  guard let value else { throw TestSupportError("missing: \(what())") }
  return value
}

extension WebSocketClient {
  /// The next frame of that type; others, such as presence, pass. An `error` that was not asked for is a failure.
  func next(_ type: String, ref: String? = nil, within time: Duration = .seconds(10)) throws -> JSONValue {
    let deadline = ContinuousClock.now + time
    while true {
      let frame = try receiveJSON(until: deadline)
      if frame["type"]?.string == type, ref == nil || frame["ref"]?.string == ref { return frame }
      if frame["type"]?.string == "error" { throw TestSupportError("\(type) expected: \(frame.compact)") }
    }
  }

  func next(_ type: String, where matches: (JSONValue) -> Bool) throws -> JSONValue {
    while true {
      let frame = try next(type)
      if matches(frame) { return frame }
    }
  }

  /// The frames of a join: `ready`, the replay, and what `replayed` says.
  func receiveReplay() throws -> (ready: JSONValue, frames: [JSONValue], through: Int64) {
    let ready = try next("ready")
    var frames: [JSONValue] = []
    while true {
      let frame = try receiveJSON()
      switch frame["type"]?.string {
      case "replayed": return (ready, frames, try found(frame["through"]?.integer, frame.compact))
      case "message", "edited", "deleted", "removed": frames.append(frame)
      default: continue
      }
    }
  }

  /// Sends in `palaver.v1` and returns the `ack`.
  func sendMessage(_ text: String, ref: String = ChatClient.freshName("ref"), room: Int64? = nil) throws -> JSONValue {
    var frame: [(name: String, value: JSONValue)] = [("type", "send"), ("ref", .string(ref)), ("text", .string(text))]
    if let room { frame.append(("room", .integer(room))) }
    try send(.object(JSONObject(frame)))
    return try next("ack", ref: ref)
  }

  /// So many frames of the raw protocol.
  func receiveRaw(_ count: Int) throws -> [JSONValue] { try (0..<count).map { _ in try receiveJSON() } }

  /// Fails if anything but presence comes before a pong: what was sent before is then known to be all.
  func expectNothingBeforePong() throws {
    try send(["type": "ping"])
    while true {
      let frame = try receiveJSON()
      switch frame["type"]?.string {
      case "pong": return
      case "presence", "typing": continue
      default: throw TestSupportError("nothing more expected: \(frame.compact)")
      }
    }
  }
}
