/// An error that a client sees: an HTTP status, a word for programs, a sentence for people.
public struct ChatError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The HTTP status.
  public var status: Int
  /// A word of the list in `docs/api.md`, such as `room_not_found`.
  public var word: String
  /// What is wrong and, where there is something to do, what to do.
  public var message: String
  /// The parameter or member at fault.
  public var parameter: String?
  /// Milliseconds after which the same may be tried again. Present with 429 and 503.
  public var retryAfter: Int?

  public init(_ status: Int, _ word: String, _ message: String, parameter: String? = nil, retryAfter: Int? = nil) {
    self.status = status
    self.word = word
    self.message = message
    self.parameter = parameter
    self.retryAfter = retryAfter
  }

  public var description: String { "\(word): \(message)" }
}

extension ChatError {
  public static func invalid(_ parameter: String, _ message: String) -> ChatError {
    ChatError(400, "invalid_\(parameter)", message, parameter: parameter)
  }

  public static func roomNotFound(_ id: RoomID) -> ChatError {
    ChatError(404, "room_not_found", "Room \(id) does not exist.")
  }

  public static func userNotFound(_ name: String) -> ChatError {
    ChatError(404, "user_not_found", "User \(name) does not exist. Make it with POST /v1/users.", parameter: "user")
  }

  public static func messageNotFound(_ room: RoomID, _ seq: Int64) -> ChatError {
    ChatError(404, "message_not_found", "Message \(seq) of room \(room) does not exist.")
  }

  public static let unauthorized = ChatError(401, "unauthorized", "A valid token is needed: Authorization: Bearer JWT.")

  public static func forbidden(_ message: String) -> ChatError { ChatError(403, "forbidden", message) }

  /// A back end does not answer; nothing was stored, or it is unknown and the same `ref` may be sent again.
  public static func unavailable(_ what: String, retryAfter: Int = 1_000) -> ChatError {
    ChatError(503, "unavailable", "\(what) is not available at the moment. Try again.", retryAfter: retryAfter)
  }
}
