import ChatRooms

/// Which web pages may call: CORS for those that are allowed and, in open mode, where anyone may act as anyone, a wall
/// against all other pages that a browser of this network has open.
struct OriginPolicy: Sendable {
  /// `*`: all.
  var allowed: [String]
  var isOpenMode: Bool

  func check(_ request: HTTPRequest) throws(ChatError) {
    guard isOpenMode, let origin = request.headers["origin"], !isAllowed(origin) else { return }
    // The page is this server's own.
    let host = EndpointURL.hostPart(ofOrigin: origin)
    if let host, host == request.headers["host"] { return }
    throw ChatError(
      403, "origin_refused", "Pages of \(origin) may not call. Start the server with --allow-origin \(origin).",
      parameter: "Origin")
  }

  private func isAllowed(_ origin: String) -> Bool { allowed.contains("*") || allowed.contains(origin) }

  /// The answer to a browser that asks before it calls; `nil` where this is no such question.
  func preflight(_ request: HTTPRequest, methods: Set<String>) -> HTTPResponse? {
    guard let origin = request.headers["origin"], request.headers["access-control-request-method"] != nil,
      !methods.isEmpty
    else { return nil }
    guard isAllowed(origin) else { return HTTPResponse(status: 403) }
    return HTTPResponse(
      status: 204,
      headers: [
        ("Access-Control-Allow-Methods", methods.sorted().joined(separator: ", ")),
        ("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Palaver-User"),
        ("Access-Control-Max-Age", "600"),
      ])
  }

  /// The reply with the headers by which a browser shows it to the page.
  func marking(_ reply: HTTPReply, for request: HTTPRequest) -> HTTPReply {
    guard !allowed.isEmpty, case .response(var response) = reply else { return reply }
    response.headers.append(("Vary", "Origin"))
    if let origin = request.headers["origin"], isAllowed(origin) {
      response.headers.append(("Access-Control-Allow-Origin", origin))
      response.headers.append(("Access-Control-Expose-Headers", "X-Request-Id, Retry-After"))
    }
    return .response(response)
  }
}

extension EndpointURL {
  /// `localhost:8081` of `http://localhost:8081`.
  static func hostPart(ofOrigin origin: String) -> String? {
    origin.firstRange(of: "://").map { String(origin[$0.upperBound...]) }
  }
}
