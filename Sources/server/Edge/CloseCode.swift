/// Why a WebSocket ends (RFC 6455, section 7.4, and the project's own from 4000 on).
enum CloseCode: UInt16, Sendable, CaseIterable {
  case normal = 1000
  /// The server is draining: connect elsewhere.
  case goingAway = 1001
  case protocolError = 1002
  /// A binary frame.
  case unsupported = 1003
  case notUTF8 = 1007
  case tooBig = 1009
  /// Something could not be stored, or the server lost track of a room: connect again.
  case tryAgain = 1013
  case notAnObject = 4000
  case tokenExpired = 4001
  /// The user was removed from the room or deleted, or the room was deleted.
  case removed = 4003
  /// The client did not read fast enough: resume with `since`.
  case tooSlow = 4008
  case rateLimited = 4029

  /// A word for logs and metrics.
  var word: String { "\(self)" }

  /// Whether a peer may send this code (RFC 6455, section 7.4.1 and 7.4.2).
  static func isAllowedOnWire(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}
