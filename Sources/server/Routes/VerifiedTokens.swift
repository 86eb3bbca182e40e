import ChatRooms
import Foundation

/// Tokens whose signature was found good, until they expire: a client shows the same one with each request. Keys do not
/// change while a server runs.
final class VerifiedTokens: @unchecked Sendable {
  private let capacity: Int
  private let lock = NSLock()
  private var tokens: [String: TokenClaims] = [:]

  /// - Parameter capacity: tokens kept at once.
  init(capacity: Int = 10_000) { self.capacity = capacity }

  /// What a token says that was verified before and has not expired.
  func claims(of token: String, now: Milliseconds) -> TokenClaims? {
    lock.withLock { tokens[token].flatMap { now < $0.expiresAt ? $0 : nil } }
  }

  func keep(_ claims: TokenClaims, of token: String) {
    lock.withLock {
      if tokens.count >= capacity { tokens.removeAll() }
      tokens[token] = claims
    }
  }
}
