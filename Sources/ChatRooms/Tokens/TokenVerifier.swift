import Drivers
import Foundation

/// What a valid token says.
public struct TokenClaims: Sendable, Equatable {
  /// The user's name: the claim `sub`.
  public var name: String
  /// The claim `role` is `admin`.
  public var isAdmin: Bool
  /// From when on the token is refused: its `exp`.
  public var expiresAt: Milliseconds

  public init(name: String, isAdmin: Bool, expiresAt: Milliseconds) {
    self.name = name
    self.isAdmin = isAdmin
    self.expiresAt = expiresAt
  }
}

/// Checks JSON Web Tokens (RFC 7519).
public struct TokenVerifier: Sendable {
  /// Milliseconds by which the clock of whoever signed a token may be ahead of this server's: `nbf` may be that far off.
  /// There is none for `exp`: a token that is refused can be replaced, one that lives on cannot be taken back.
  public static let leeway: Milliseconds = 30_000
  /// Keys of one kind, so that one can be changed for another without a gap.
  public static let maximumKeys = 2
  /// Bytes of a secret below which it is weaker than HS256 itself (RFC 7518, section 3.2).
  public static let safeSecretBytes = 32
  /// Seconds since 1970 beyond which a time is nonsense (the year 33658).
  private static let latestTime = 1e12

  private let keys: [TokenKey]

  /// - Parameters:
  ///   - secrets: for HS256, at most two.
  ///   - publicKeys: texts in PEM, for RS256 and ES256, at most two keys in all.
  /// - Throws: `TokenKeyError`, also if there is no key at all.
  public init(secrets: [String], publicKeys: [String]) throws(TokenKeyError) {
    var shared: [TokenKey] = []
    var published: [TokenKey] = []
    for secret in secrets { shared.append(try .secret(secret)) }
    for text in publicKeys { published += try TokenKey.publicKeys(inPEM: text) }
    guard !shared.isEmpty || !published.isEmpty else { throw TokenKeyError("there is no key") }
    guard max(shared.count, published.count) <= Self.maximumKeys else {
      throw TokenKeyError("there are more than \(Self.maximumKeys) keys")
    }
    keys = shared + published
  }

  /// - Throws: `ChatError` 401 `token_expired` or `unauthorized`.
  public func verify(_ token: String, now: Milliseconds) throws(ChatError) -> TokenClaims {
    guard let token = JSONWebToken(token) else { throw Self.refused("It is no JSON Web Token that is accepted here.") }
    guard let claims = keys.lazy.compactMap({ token.claims(signedWith: $0) }).first else {
      throw Self.refused("Its signature is not valid.")
    }
    return try Self.check(claims, now: now)
  }

  private static func check(_ claims: JSONObject, now: Milliseconds) throws(ChatError) -> TokenClaims {
    guard let end = time(claims["exp"]) else {
      throw refused("It has no valid exp: seconds since 1970, not milliseconds.")
    }
    guard now < end else {
      throw ChatError(401, "token_expired", "The token has expired. Get a new one.")
    }
    if let start = claims["nbf"] {
      guard let start = time(start) else { throw refused("Its nbf is not valid.") }
      guard now >= start - leeway else { throw refused("It is not valid yet (nbf).") }
    }
    guard let name = claims["sub"]?.string, isUserName(name) else {
      throw refused("Its sub is no name of a user: 1 to 64 characters in NFC, no control characters.")
    }
    return TokenClaims(name: name, isAdmin: claims["role"]?.string == "admin", expiresAt: end)
  }

  /// A `NumericDate`: seconds, perhaps with a fraction.
  private static func time(_ value: JSONValue?) -> Milliseconds? {
    guard let seconds = value?.number, abs(seconds) <= latestTime else { return nil }
    return Milliseconds((seconds * 1_000).rounded())
  }

  /// A name that is not in NFC is refused and not changed: `sub` is who signed in, to the byte.
  private static func isUserName(_ name: String) -> Bool {
    guard name.utf8.count <= 64 * 4, name.utf8.elementsEqual(name.precomposedStringWithCanonicalMapping.utf8) else {
      return false
    }
    let scalars = name.unicodeScalars
    return (1...64).contains(scalars.count) && scalars.allSatisfy { $0.properties.generalCategory != .control }
  }

  private static func refused(_ reason: String) -> ChatError {
    ChatError(401, "unauthorized", "The token is refused. \(reason)")
  }
}
