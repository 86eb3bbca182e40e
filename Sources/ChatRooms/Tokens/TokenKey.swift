import Foundation

/// How tokens may be signed (RFC 7518). Only these: `none` is not among them.
public enum TokenAlgorithm: String, Sendable, CaseIterable {
  /// HMAC with a shared secret.
  case hs256 = "HS256"
  /// RSA.
  case rs256 = "RS256"
  /// ECDSA on P-256.
  case es256 = "ES256"
}

/// A key that tokens are checked with. It belongs to one algorithm, whatever a token says of itself: otherwise a public
/// key could be passed off as a shared secret.
public struct TokenKey: Sendable, Equatable {
  public let algorithm: TokenAlgorithm
  let bytes: [UInt8]

  /// - Throws: `TokenKeyError` for an empty secret, or one that is a key in PEM.
  public static func secret(_ secret: String) throws(TokenKeyError) -> TokenKey {
    guard !secret.isEmpty else { throw TokenKeyError("the secret is empty") }
    guard !secret.contains("-----BEGIN") else { throw TokenKeyError("a key in PEM is no shared secret") }
    return TokenKey(algorithm: .hs256, bytes: Array(secret.utf8))
  }

  /// All `PUBLIC KEY` blocks of a PEM text (RFC 7468).
  ///
  /// - Throws: `TokenKeyError` if there is none, or one is no RSA key of at least 2,048 bits nor one on P-256.
  public static func publicKeys(inPEM text: String) throws(TokenKeyError) -> [TokenKey] {
    if text.contains("PRIVATE KEY-----") { throw TokenKeyError("it is a private key; the public one is wanted") }
    var keys: [TokenKey] = []
    var rest = text[...]
    while let start = rest.range(of: header), let end = rest[start.upperBound...].range(of: footer) {
      keys.append(try publicKey(base64: rest[start.upperBound..<end.lowerBound]))
      rest = rest[end.upperBound...]
    }
    guard !keys.isEmpty else { throw TokenKeyError("there is no -----BEGIN PUBLIC KEY----- block in it") }
    return keys
  }

  private static let header = "-----BEGIN PUBLIC KEY-----"
  private static let footer = "-----END PUBLIC KEY-----"

  /// Object identifiers in DER: rsaEncryption; id-ecPublicKey and prime256v1.
  private static let rsa: [UInt8] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]
  private static let ellipticP256: [UInt8] = [
    0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07,
  ]
  /// Bytes of the shortest `SubjectPublicKeyInfo` of a 2,048 bit RSA key.
  private static let shortestRSA = 290

  private static func publicKey(base64: Substring) throws(TokenKeyError) -> TokenKey {
    let body = base64.filter { !$0.isWhitespace }
    guard let der = Data(base64Encoded: String(body)).map(Array.init), der.first == 0x30 else {
      throw TokenKeyError("a block is damaged")
    }
    // The identifiers stand at the beginning, behind the lengths of the sequences around them.
    let beginning = der.prefix(32)
    let pem = Array("\(header)\n\(body.wrapped(at: 64))\n\(footer)\n".utf8)
    if contains(beginning, rsa) {
      guard der.count >= shortestRSA else { throw TokenKeyError("an RSA key has less than 2048 bits") }
      return TokenKey(algorithm: .rs256, bytes: pem)
    }
    guard contains(beginning, ellipticP256) else { throw TokenKeyError("a key is neither RSA nor on the curve P-256") }
    return TokenKey(algorithm: .es256, bytes: pem)
  }

  private static func contains(_ bytes: ArraySlice<UInt8>, _ pattern: [UInt8]) -> Bool {
    bytes.indices.contains { bytes[$0...].starts(with: pattern) }
  }
}

/// Why a key cannot be used. Shows nothing of it.
public struct TokenKeyError: Error, Equatable, CustomStringConvertible {
  public var description: String

  init(_ description: String) { self.description = description }
}

extension String {
  fileprivate func wrapped(at width: Int) -> String {
    var lines: [Substring] = []
    var rest = self[...]
    while !rest.isEmpty {
      lines.append(rest.prefix(width))
      rest = rest.dropFirst(width)
    }
    return lines.joined(separator: "\n")
  }
}
