import ChatRooms
import Foundation

/// The opening handshake of a WebSocket (RFC 6455, section 4.2).
struct WebSocketHandshake: Equatable {
  /// `Sec-WebSocket-Accept` of the reply.
  let accept: String

  /// What every refusal says, so that a client learns which version to speak.
  static let upgradeHeaders = [("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]

  /// Routes call it before they do anything for a join; the edge calls it again before it answers 101.
  ///
  /// - Throws: `ChatError` 426 `upgrade_required` where the request asks for no WebSocket or another version, 400 where
  ///   it asks for one wrongly.
  init(_ request: HTTPRequest) throws(ChatError) {
    guard request.method == "GET", Self.has("websocket", in: request.headers["upgrade"]),
      Self.has("upgrade", in: request.headers["connection"])
    else { throw ChatError(426, "upgrade_required", "This resource is a WebSocket: connect with a WebSocket client.") }
    guard request.headers["sec-websocket-version"] == "13" else {
      throw ChatError(426, "upgrade_required", "Only version 13 of WebSocket is spoken here.")
    }
    let key = request.headers["sec-websocket-key"] ?? ""
    guard Data(base64Encoded: key)?.count == 16 else {
      throw ChatError(400, "invalid_handshake", "Sec-WebSocket-Key must be 16 bytes in Base64.")
    }
    accept = Self.accept(key: key)
  }

  static func accept(key: String) -> String {
    Data(SHA1.digest(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))).base64EncodedString()
  }

  /// Whether a comma-separated header names a token, in any case.
  private static func has(_ token: String, in header: String?) -> Bool {
    header?.split(separator: ",").contains { $0.trimmingCharacters(in: .whitespaces).lowercased() == token } ?? false
  }
}
