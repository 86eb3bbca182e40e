import Drivers
import Foundation
import Testing

@testable import ChatRooms

private let now: Milliseconds = 1_795_262_400_000
private let secret = "a secret of thirty-two characters"

/// `header.payload.` of any JSON, and a signature of any bytes.
private func unsigned(_ header: String, _ payload: String, signature: String = "AAAA") -> String {
  [header, payload].map { text in
    Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }.joined(separator: ".") + "." + signature
}

@Suite struct TokenVerifierTests {
  private let signer: TokenSigner
  private let verifier: TokenVerifier

  init() throws {
    signer = try TokenSigner(secret: secret)
    verifier = try TokenVerifier(secrets: ["another secret", secret], publicKeys: [])
  }

  private func expectRefusal(_ token: String, word: String = "unauthorized") {
    let error = #expect(throws: ChatError.self) { try verifier.verify(token, now: now) }
    #expect(error?.status == 401 && error?.word == word)
  }

  @Test func aTokenSaysWhoCallsUntilWhen() throws {
    let token = try signer.token(for: "José", lifetime: 60, now: now)
    #expect(
      try verifier.verify(token, now: now)
        == TokenClaims(name: "José", isAdmin: false, expiresAt: now + 60_000))
    let admin = try signer.token(for: "root", isAdmin: true, lifetime: 60, now: now)
    #expect(try verifier.verify(admin, now: now).isAdmin)
  }

  @Test func aTokenIsRefusedFromItsExpiryOn() throws {
    let token = try signer.token(for: "Ann", lifetime: 1, now: now)
    #expect(try verifier.verify(token, now: now + 999).name == "Ann")
    expectRefusal(try signer.token(for: "Ann", lifetime: 0, now: now), word: "token_expired")
    expectRefusal(try signer.token(for: "Ann", lifetime: -10, now: now), word: "token_expired")
  }

  @Test func aTokenNeedsAnEndAndAName() throws {
    let end = Int(now / 1_000) + 60
    expectRefusal(try signer.token([("sub", .text("Ann"))]))
    expectRefusal(try signer.token([("sub", .text("Ann")), ("exp", .text("\(end)"))]))
    expectRefusal(try signer.token([("sub", .text("Ann")), ("exp", .number(.max))]))
    expectRefusal(try signer.token([("exp", .number(end))]))
    expectRefusal(try signer.token([("sub", .number(1)), ("exp", .number(end))]))
    for name in ["", "a\nb", "a\u{85}b", "e\u{301}", String(repeating: "x", count: 65)] {
      expectRefusal(try signer.token(for: name, lifetime: 60, now: now))
    }
  }

  @Test func aTokenOfTheFutureIsRefused() throws {
    let seconds = Int(now / 1_000)
    func token(from start: TokenSigner.Claim) throws -> String {
      try signer.token([("sub", .text("Ann")), ("exp", .number(seconds + 600)), ("nbf", start)])
    }
    #expect(try verifier.verify(try token(from: .number(seconds + 30)), now: now).name == "Ann")
    expectRefusal(try token(from: .number(seconds + 31)))
    expectRefusal(try token(from: .text("soon")))
  }

  @Test func aTokenThatWasTamperedWithIsRefused() throws {
    let token = try signer.token(for: "Ann", lifetime: 60, now: now)
    for index in token.utf8.indices.dropLast() {
      var bytes = Array(token.utf8)
      let offset = token.utf8.distance(from: token.utf8.startIndex, to: index)
      bytes[offset] = bytes[offset] == UInt8(ascii: "x") ? UInt8(ascii: "y") : UInt8(ascii: "x")
      #expect(throws: ChatError.self) { try verifier.verify(String(decoding: bytes, as: UTF8.self), now: now) }
    }
    expectRefusal(try TokenSigner(secret: "stranger").token(for: "Ann", lifetime: 60, now: now))
  }

  @Test func onlyTheKeysOwnAlgorithmCounts() throws {
    let payload = #"{"sub":"Ann","exp":9999999999}"#
    for algorithm in ["none", "None", "NONE", "hs256", "HS384", "HS512", "RS256", "ES256", "", "HS256\\u0000"] {
      expectRefusal(unsigned(#"{"alg":"\#(algorithm)","typ":"JWT"}"#, payload))
      expectRefusal(unsigned(#"{"alg":"\#(algorithm)"}"#, payload, signature: ""))
    }
    expectRefusal(unsigned(#"{"alg":"HS256","alg":"none"}"#, payload))
    expectRefusal(unsigned(#"{"alg":"HS256","crit":["b64"]}"#, payload))
    expectRefusal(unsigned("{}", payload))
  }

  @Test(arguments: [
    "", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "é.é.é", "a b.c.d", "\0.\0.\0", "e30.e30.", ".e30.e30", "e30..e30",
    String(repeating: "A", count: 10_000_000), String(repeating: ".", count: 8_000),
    String(repeating: "A", count: 4_000) + "." + String(repeating: "A", count: 4_000) + ".A",
  ])
  func garbageIsRefused(token: String) { expectRefusal(token) }

  @Test func deepJSONIsRefused() {
    expectRefusal(unsigned(#"{"alg":"HS256"}"#, String(repeating: "[", count: 4_000)))
    expectRefusal(unsigned(String(repeating: "[", count: 4_000), "{}"))
  }

  @Test func keysThatCannotBeUsedAreRefused() {
    func refuses(_ secrets: [String], _ keys: [String]) {
      #expect(throws: TokenKeyError.self) { try TokenVerifier(secrets: secrets, publicKeys: keys) }
    }
    refuses([], [])
    refuses([""], [])
    refuses(["a", "b", "c"], [])
    refuses(["-----BEGIN PUBLIC KEY-----"], [])
    refuses([], ["nonsense"])
    refuses([], ["-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----"])
    refuses([], ["-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----"])
    refuses([], ["-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----"])
  }
}

/// Keys are made with `openssl`.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "openssl is not installed"))
struct PublicKeyTokenTests {
  private struct KeyPair {
    var privateKey: String
    var publicKey: String

    init(_ arguments: [String]) throws {
      privateKey = try Self.openssl(["genpkey"] + arguments, input: "")
      publicKey = try Self.openssl(["pkey", "-pubout"], input: privateKey)
    }

    private static func openssl(_ arguments: [String], input: String) throws -> String {
      let process = Process()
      let (standardInput, standardOutput) = (Pipe(), Pipe())
      process.executableURL = URL(filePath: "/usr/bin/openssl")
      process.arguments = arguments
      process.standardInput = standardInput
      process.standardOutput = standardOutput
      process.standardError = FileHandle.nullDevice
      try process.run()
      try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try standardInput.fileHandleForWriting.close()
      let output = try standardOutput.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      return String(decoding: output, as: UTF8.self)
    }
  }

  private static let rsa = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
  private static let ellipticP256 = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]

  @Test func tokensOfBothKindsAreAcceptedDuringARotation() throws {
    let (rsa, elliptic) = (try KeyPair(Self.rsa), try KeyPair(Self.ellipticP256))
    let verifier = try TokenVerifier(secrets: [secret], publicKeys: [rsa.publicKey + elliptic.publicKey])
    for (algorithm, pair) in [(TokenAlgorithm.rs256, rsa), (.es256, elliptic)] {
      let signer = TokenSigner(algorithm: algorithm, key: Array(pair.privateKey.utf8))
      let token = try signer.token(for: "Ann", lifetime: 60, now: now)
      #expect(try verifier.verify(token, now: now).name == "Ann")
      let forged = token.dropLast(8) + "AAAAAAAA"
      #expect(throws: ChatError.self) { try verifier.verify(String(forged), now: now) }
      let strangers = try KeyPair(algorithm == .rs256 ? Self.rsa : Self.ellipticP256)
      let other = try TokenVerifier(secrets: [], publicKeys: [strangers.publicKey])
      #expect(throws: ChatError.self) { try other.verify(token, now: now) }
    }
    #expect(
      try verifier.verify(try TokenSigner(secret: secret).token(for: "B", lifetime: 9, now: now), now: now).name == "B")
  }

  @Test func aPublicKeyIsNoSecret() throws {
    let pair = try KeyPair(Self.rsa)
    let verifier = try TokenVerifier(secrets: [], publicKeys: [pair.publicKey])
    for key in [pair.publicKey, String(pair.publicKey.dropLast())] {
      let forged = try TokenSigner(algorithm: .hs256, key: Array(key.utf8)).token(for: "Ann", lifetime: 60, now: now)
      #expect(throws: ChatError.self) { try verifier.verify(forged, now: now) }
    }
    #expect(throws: TokenKeyError.self) { try TokenVerifier(secrets: [pair.publicKey], publicKeys: []) }
  }

  @Test func weakAndForeignKeysAreRefused() throws {
    let weak = try KeyPair(["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"])
    let otherCurve = try KeyPair(["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"])
    let edwards = try KeyPair(["-algorithm", "ED25519"])
    for pair in [weak, otherCurve, edwards] {
      #expect(throws: TokenKeyError.self) { try TokenVerifier(secrets: [], publicKeys: [pair.publicKey]) }
      #expect(throws: TokenKeyError.self) { try TokenVerifier(secrets: [], publicKeys: [pair.privateKey]) }
    }
  }
}
