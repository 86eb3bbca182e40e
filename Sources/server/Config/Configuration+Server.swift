import ChatRooms
import Foundation

extension Configuration {
  /// Threads that read requests: they also answer what is in memory.
  private static let maximumHTTPThreads = 4

  /// What the edge is to be like.
  var edge: EdgeConfiguration {
    var edge = EdgeConfiguration()
    edge.http.host = listen.host
    edge.http.port = UInt16(clamping: listen.port)
    edge.http.threads = max(1, min(Self.maximumHTTPThreads, edge.loops))
    edge.http.origins = OriginPolicy(allowed: Set(allowedOrigins), isEnforced: authentication != .token)
    edge.sockets.session.sends = .init(rate: Double(sendRate), burst: Double(sendRate) * 10)
    return edge
  }

  /// How many searches the server carries out.
  var searches: SearchLimits {
    SearchLimits(
      inFlight: searchesAtOnce, rate: TokenBucket.Limit(rate: Double(searchRate), burst: Double(searchRate) * 10))
  }

  /// - Throws: for a secret or key that is none.
  func authenticatorMode() throws(ConfigurationError) -> Authenticator.Mode {
    switch authentication {
    case .open(let isAllowedAnywhere): return .open(isAllowedAnywhere: isAllowedAnywhere)
    case .token:
      // An indexer serves nobody and needs no keys.
      if role == .indexer, jwtSecrets.isEmpty, jwtKeys.isEmpty {
        return .token { _ throws(ChatError) in throw .unauthorized }
      }
      let verifier: TokenVerifier
      do { verifier = try TokenVerifier(secrets: jwtSecrets, publicKeys: jwtKeys) } catch {
        throw ConfigurationError("--auth: PALAVER_JWT_SECRET or PALAVER_JWT_KEY will not do: \(error)")
      }
      let known = VerifiedTokens()
      return .token { token throws(ChatError) in
        let now = Milliseconds(Date().timeIntervalSince1970 * 1_000)
        if let claims = known.claims(of: token, now: now) { return claims }
        let claims = try verifier.verify(token, now: now)
        known.keep(claims, of: token)
        return claims
      }
    }
  }
}
