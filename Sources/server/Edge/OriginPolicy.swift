import ChatRooms

/// Which web pages may talk to this server: Cross-Origin Resource Sharing (Fetch standard, section 3.3), and in open
/// mode, where a page needs no secret to do harm, a check of every request that names its origin.
struct OriginPolicy: Sendable {
  /// Serialized origins, such as `https://chat.example`; `*` allows every one.
  var allowed: Set<String> = []
  /// Refuses requests of pages of other origins.
  var isEnforced = false

  enum Verdict: Equatable {
    /// The request goes on to its route.
    case proceed
    case preflight
  }

  /// - Throws: `ChatError` 403 `origin_not_allowed`.
  func check(_ request: HTTPRequest) throws(ChatError) -> Verdict {
    guard let origin = request.headers["origin"] else { return .proceed }
    let isAllowed = allows(origin)
    if isEnforced, !isAllowed, !Self.isSame(origin, host: request.headers["host"]) {
      throw ChatError(403, "origin_not_allowed", "Pages of \(origin) may not use this server; see --allow-origin.")
    }
    let isPreflight = request.method == "OPTIONS" && request.headers["access-control-request-method"] != nil
    return isPreflight && isAllowed ? .preflight : .proceed
  }

  /// What a reply to that request says about origins.
  func headers(for request: HTTPRequest) -> [(name: String, value: String)] {
    guard !allowed.isEmpty else { return [] }
    guard let origin = request.headers["origin"], allows(origin) else { return [("Vary", "Origin")] }
    return [
      ("Vary", "Origin"), ("Access-Control-Allow-Origin", origin),
      ("Access-Control-Expose-Headers", "X-Request-Id, Retry-After, Location"),
    ]
  }

  static let preflight = HTTPResponse(
    status: 204,
    headers: [
      ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE"),
      ("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Palaver-User, X-Request-Id"),
      ("Access-Control-Max-Age", "600"),
    ])

  private func allows(_ origin: String) -> Bool { allowed.contains(origin) || allowed.contains("*") }

  private static func isSame(_ origin: String, host: String?) -> Bool {
    guard let host else { return false }
    return origin == "http://\(host)" || origin == "https://\(host)"
  }
}
