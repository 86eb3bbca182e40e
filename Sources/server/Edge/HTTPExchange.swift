import CLinux
import ChatRooms
import Drivers

/// A request while libmicrohttpd collects it, and its reply once there is one.
///
/// Touched by one thread at a time: the daemon's until the connection is suspended, the handler's until it is resumed.
final class HTTPExchange: @unchecked Sendable {
  /// Bytes of a body.
  static let maximumBody = 1 << 20
  /// Bytes of a body that is too large which are read and dropped all the same: most clients send everything before they
  /// read, and one whose connection ends meanwhile never sees why.
  static let maximumDropped = 8 * maximumBody

  enum Stage {
    case collecting
    /// The handler is at work.
    case suspended
    /// Those whom the handler had asked have answered.
    case begun(BegunReply)
    /// The reply waits to be queued.
    case answered(HTTPReply)
    case queued
  }

  let target: [UInt8]
  var stage = Stage.collecting
  var body: [UInt8] = []
  private var received = 0
  /// Whether the daemon knows the request, so that a reply may be queued.
  var hasStarted = false
  var method = ""
  var request: HTTPRequest?
  var requestID = ""
  /// An upgrade that has been granted and not been taken over by a loop: its presence must be given back.
  var upgrade: WebSocketUpgrade?
  let startedAt = MonotonicClock.now

  init(target: [UInt8]) { self.target = target }

  /// Takes a piece of the body. Returns false where the client sends so much that reading on is not worth an answer.
  func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    received += bytes.count
    if received > Self.maximumBody {
      body = []
    } else {
      unsafe body.append(contentsOf: bytes)
    }
    return received <= Self.maximumDropped
  }

  /// Whatever was announced: what counts is what came.
  var isTooLarge: Bool { received > Self.maximumBody }

  /// Why a body is refused before it comes; `nil` where it is to be read, if only to be dropped.
  static func refusal(of headers: [String: String]) -> ChatError? {
    guard let contentLength = headers["content-length"] else { return nil }
    guard !contentLength.isEmpty, contentLength.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return ChatError(400, "invalid_content_length", "Content-Length must be a number.")
    }
    // More digits than fit are an honest, if absurd, length.
    let length = UInt64(contentLength) ?? .max
    // Whoever waits for "100 Continue" has sent nothing yet.
    let isWaiting = headers["expect"]?.lowercased() == "100-continue"
    return length > UInt64(isWaiting ? maximumBody : maximumDropped) ? bodyTooLarge : nil
  }

  static let bodyTooLarge = ChatError(413, "body_too_large", "A body may have \(maximumBody) bytes.")
}
