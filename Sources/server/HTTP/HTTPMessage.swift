import ChatRooms
import Drivers
import HistoryIndex

/// A request as the edge hands it to a route: bounded, decoded, complete.
struct HTTPRequest: Sendable {
  var method: String
  /// Percent-decoded parts of the path; `["v1", "chatrooms", "7"]`.
  var path: [String]
  /// Decoded, in their order.
  var query: [(name: String, value: String)]
  /// Names in lower case.
  var headers: [String: String]
  var body: [UInt8]
  /// Sent back as `X-Request-Id`.
  var id: String
  var remoteAddress: String

  /// The first value of that name.
  func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }
  func parameters(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }
}

struct HTTPResponse: Sendable {
  var status = 200
  var headers: [(name: String, value: String)] = []
  var body: [UInt8] = []

  /// - Parameter capacity: bytes that the body may be expected to have.
  static func json(
    _ status: Int = 200, capacity: Int = 1_024, _ body: (inout JSONWriter) throws -> Void
  ) rethrows -> HTTPResponse {
    var writer = JSONWriter(capacity: capacity)
    try writer.object(body)
    return HTTPResponse(status: status, headers: [("Content-Type", "application/json")], body: writer.bytes)
  }
}

/// What a route answers.
enum HTTPReply: Sendable {
  case response(HTTPResponse)
  /// 101: everything was checked, and the connection becomes a WebSocket.
  case webSocket(WebSocketUpgrade)
}

/// What a WebSocket begins with.
struct WebSocketUpgrade: Sendable {
  var caller: Caller
  /// The user that joins: the caller, or whom an admin acts for.
  var user: User
  var format: WireFormat
  /// Echoed in the handshake; `nil`: none was asked for, or only the token's.
  var subprotocol: String?
  /// The room of `/join`; `nil` for `/v1/connect`. Presence has been entered for it already; the session leaves it.
  var join: RoomJoin?

  struct RoomJoin: Sendable {
    var room: Room
    var since: Int64?
    var epoch: String?
    var limit: Int
  }
}

/// Answers requests. Errors become the contract's error bodies in the edge.
protocol HTTPHandler: Sendable {
  func handle(_ request: HTTPRequest) async throws -> HTTPReply
  /// The answer, where it can be given at once; `nil`: ask `begin`, and `handle`. Must not wait.
  func immediate(_ request: HTTPRequest) -> HTTPReply?
  /// Sends off what others are to be asked, so that no task has to wait for them; `nil`: ask `handle`. Must not wait.
  func begin(_ request: HTTPRequest) -> BegunReply?
}

/// An answer for which others have been asked.
struct BegunReply: Sendable {
  /// Calls its argument once, when they have answered: at once, or on a thread that must not wait.
  var whenReady: @Sendable (@escaping @Sendable () -> Void) -> Void
  /// The answer, where it takes little time from there; `nil`: ask `reply`. Must not wait.
  var replyAtOnce: @Sendable () -> HTTPReply?
  var reply: @Sendable () async throws -> HTTPReply
}

extension HTTPHandler {
  func immediate(_ request: HTTPRequest) -> HTTPReply? { nil }
  func begin(_ request: HTTPRequest) -> BegunReply? { nil }
}
