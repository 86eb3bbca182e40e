import CJWT
import Foundation

/// Makes tokens, for `palaver token` and for tests.
public struct TokenSigner: Sendable {
  private let algorithm: TokenAlgorithm
  private let key: [UInt8]

  /// Signs with HS256. - Throws: `TokenKeyError`.
  public init(secret: String) throws(TokenKeyError) {
    self.init(algorithm: .hs256, key: try TokenKey.secret(secret).bytes)
  }

  /// - Parameter key: a secret, or a private key in PEM.
  init(algorithm: TokenAlgorithm, key: [UInt8]) {
    self.algorithm = algorithm
    self.key = key
  }

  /// - Parameters:
  ///   - name: the user's.
  ///   - lifetime: seconds.
  /// - Throws: `TokenKeyError` if the key cannot sign.
  public func token(
    for name: String, isAdmin: Bool = false, lifetime: Int, now: Milliseconds
  ) throws(TokenKeyError) -> String {
    let seconds = Int(now / 1_000)
    return try token(
      [
        ("sub", .text(name)), ("iat", .number(seconds)), ("exp", .number(seconds + lifetime)),
      ] + (isAdmin ? [("role", .text("admin"))] : []))
  }

  enum Claim {
    case text(String)
    case number(Int)
  }

  func token(_ claims: [(name: String, value: Claim)]) throws(TokenKeyError) -> String {
    var token: OpaquePointer?
    guard unsafe jwt_new(&token) == 0, unsafe token != nil else { throw TokenKeyError("no memory for a token") }
    defer { unsafe jwt_free(token) }
    var failures = unsafe key.withUnsafeBufferPointer {
      unsafe jwt_set_alg(token, algorithm.libraryValue, $0.baseAddress, Int32($0.count))
    }
    for claim in claims {
      switch claim.value {
      case .text(let text): failures |= unsafe jwt_add_grant(token, claim.name, text)
      case .number(let number): failures |= unsafe jwt_add_grant_int(token, claim.name, number)
      }
    }
    guard failures == 0, let encoded = unsafe jwt_encode_str(token) else {
      throw TokenKeyError("a token cannot be signed with this key")
    }
    defer { unsafe free(encoded) }
    return unsafe String(cString: encoded)
  }
}
