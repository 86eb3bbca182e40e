import ChatRooms
import Foundation

/// The opening handshake of a WebSocket (RFC 6455, section 4.2).
struct WebSocketHandshake: Equatable {
  private let key: String

  /// `Sec-WebSocket-Accept` of the reply.
  var accept: String {
    Data(SHA1.digest(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))).base64EncodedString()
  }

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
    self.key = key
  }

  /// Whether a comma-separated header names a token, in any case.
  private static func has(_ token: String, in header: String?) -> Bool {
    guard let header else { return false }
    return header.utf8.split(separator: UInt8(ascii: ",")).contains { item in
      let name = item.drop(while: isSpace).reversed().drop(while: isSpace)
      return name.lazy.map(lowercase).elementsEqual(token.utf8.reversed())
    }
  }

  /// RFC 9110, section 5.6.3.
  private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

  private static func lowercase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }
}
