import CJWT
import Drivers
import Foundation

/// A compact JSON Web Token (RFC 7519), as far as it can be read without a key.
struct JSONWebToken {
  /// UTF-8 bytes of the longest token that is looked at.
  static let maximumLength = 8_192

  let text: String
  let algorithm: TokenAlgorithm
  private let payload: Substring

  /// `nil` for what is no token, or one signed in a way that is not among `TokenAlgorithm`s.
  init?(_ text: String) {
    guard text.utf8.count <= Self.maximumLength, text.utf8.allSatisfy(Self.isAllowed) else { return nil }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }), let header = Self.object(parts[0]),
      // Extensions that must be understood, and none are.
      header["crit"] == nil, let algorithm = header["alg"]?.string.flatMap(TokenAlgorithm.init(rawValue:))
    else { return nil }
    self.text = text
    self.algorithm = algorithm
    payload = parts[1]
  }

  /// The claims; `nil` unless the key's owner signed them.
  func claims(signedWith key: TokenKey) -> JSONObject? {
    guard key.algorithm == algorithm else { return nil }
    var token: OpaquePointer?
    let status = unsafe key.bytes.withUnsafeBufferPointer { bytes in
      unsafe jwt_decode(&token, text, bytes.baseAddress, Int32(bytes.count))
    }
    defer { unsafe jwt_free(token) }
    // The library reads the algorithm for itself: what it has checked must be what was meant.
    guard status == 0, unsafe token != nil, unsafe jwt_get_alg(token) == key.algorithm.libraryValue else { return nil }
    return Self.object(payload)
  }

  /// Letters, digits, `-` and `_` of base64url, and the dots. A zero byte would end the text for the C library.
  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  private static func object(_ part: Substring) -> JSONObject? {
    var base64 = part.replacing("-", with: "+").replacing("_", with: "/")
    base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
    guard let data = Data(base64Encoded: String(base64)) else { return nil }
    return try? JSONValue(parsing: Array(data)).object
  }
}

extension TokenAlgorithm {
  var libraryValue: jwt_alg_t {
    switch self {
    case .hs256: JWT_ALG_HS256
    case .rs256: JWT_ALG_RS256
    case .es256: JWT_ALG_ES256
    }
  }
}
