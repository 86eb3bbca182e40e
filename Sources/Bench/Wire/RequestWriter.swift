/// Requests to the server under load, with what says who asks.
struct RequestWriter: Sendable {
  var authority: String
  /// A JSON Web Token.
  var token: String?

  func get(_ target: String) -> [UInt8] { request("GET", target, "") }
  func delete(_ target: String) -> [UInt8] { request("DELETE", target, "") }

  func post(_ target: String, _ body: String) -> [UInt8] {
    request("POST", target, "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n", body)
  }

  /// A handshake for `palaver.v1`. The key is RFC 6455's example: it proves nothing, and the answer is not looked at.
  func webSocket(_ target: String) -> [UInt8] {
    request(
      "GET", target,
      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: palaver.v1\r\n")
  }

  private func request(_ method: String, _ target: String, _ headers: String, _ body: String = "") -> [UInt8] {
    let authorization = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
    return Array("\(method) \(target) HTTP/1.1\r\nHost: \(authority)\r\n\(authorization)\(headers)\r\n\(body)".utf8)
  }
}
