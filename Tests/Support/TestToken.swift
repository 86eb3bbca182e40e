import Drivers
import Foundation

/// JSON Web Tokens signed with HS256 (RFC 7515, 7518), made without the code under test.
public enum TestToken {
  /// - Parameters:
  ///   - lifetime: seconds from now; negative for a token that has expired; `nil` for none at all.
  ///   - algorithm: the header's word; the signature is HS256's all the same.
  public static func make(
    user: String?, secret: String, lifetime: Int? = 3_600, isAdmin: Bool = false, algorithm: String = "HS256"
  ) -> String {
    var claims: [(name: String, value: JSONValue)] = []
    if let user { claims.append(("sub", .string(user))) }
    if let lifetime { claims.append(("exp", .integer(Int64(Date().timeIntervalSince1970) + Int64(lifetime)))) }
    if isAdmin { claims.append(("role", .string("admin"))) }
    let header = JSONValue.object(JSONObject([("alg", .string(algorithm)), ("typ", .string("JWT"))]))
    let signed =
      base64URL(Array(header.compact.utf8)) + "." + base64URL(Array(JSONValue.object(JSONObject(claims)).compact.utf8))
    return signed + "." + base64URL(SHA256.authenticate(Array(signed.utf8), key: Array(secret.utf8)))
  }

  static func base64URL(_ bytes: [UInt8]) -> String {
    Data(bytes).base64EncodedString().replacingOccurrences(of: "+", with: "-")
      .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
  }
}
