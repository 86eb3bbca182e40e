import ChatRooms

/// A request with the values that its route's pattern named.
struct RoutedRequest: Sendable {
  var request: HTTPRequest
  /// Percent-decoded parts of the path by the names in the pattern.
  var values: [String: String]
}

/// Finds the route of a request by its path and method, and turns errors into replies.
struct Router: HTTPHandler {
  typealias Handler = @Sendable (RoutedRequest) async throws -> HTTPReply

  private struct Route: Sendable {
    var method: String
    /// `["v1", "chatrooms", ":id"]`: a part that begins with a colon takes any value.
    var pattern: [String]
    var handler: Handler
    var measure: RouteMetrics.Route
  }

  private var routes: [Route] = []
  private let metrics: RouteMetrics
  private let errors: RouteErrors

  init(metrics: RouteMetrics, errors: RouteErrors) {
    self.metrics = metrics
    self.errors = errors
  }

  /// - Parameter pattern: `/v1/chatrooms/:id`. The pattern, never the path, is the metrics' label.
  mutating func on(_ method: String, _ pattern: String, _ handler: @escaping Handler) {
    let parts = pattern.split(separator: "/").map(String.init)
    let measure = metrics.route(method, pattern)
    routes.append(Route(method: method, pattern: parts, handler: handler, measure: measure))
    // A plain part beats a value, wherever its route was added.
    routes.sort { left, right in left.pattern.count { $0.hasPrefix(":") } < right.pattern.count { $0.hasPrefix(":") } }
  }

  func handle(_ request: HTTPRequest) async throws -> HTTPReply {
    let start = ContinuousClock.now
    let (reply, measure) = await answer(request)
    measure.observe(status: reply.status, duration: ContinuousClock.now - start)
    return reply
  }

  private func answer(_ request: HTTPRequest) async -> (HTTPReply, RouteMetrics.Route) {
    let matches = routes.filter { Self.values(of: request.path, in: $0.pattern) != nil }
    let method = request.method == "HEAD" ? "GET" : request.method
    guard let route = matches.first(where: { $0.method == method }),
      let values = Self.values(of: request.path, in: route.pattern)
    else { return (.response(refusal(of: request, matches)), metrics.other) }
    do {
      return (try await route.handler(RoutedRequest(request: request, values: values)), route.measure)
    } catch {
      return (.response(errors.response(for: error, to: request)), route.measure)
    }
  }

  private func refusal(of request: HTTPRequest, _ matches: [Route]) -> HTTPResponse {
    let path = "/" + request.path.joined(separator: "/")
    guard !matches.isEmpty else {
      return errors.response(for: ChatError(404, "not_found", "There is nothing at \(path)."), to: request)
    }
    let methods = Set(matches.map(\.method)).sorted().joined(separator: ", ")
    let error = ChatError(405, "method_not_allowed", "\(path) takes \(methods).")
    var response = errors.response(for: error, to: request)
    response.headers.append(("Allow", methods))
    return response
  }

  private static func values(of path: [String], in pattern: [String]) -> [String: String]? {
    guard path.count == pattern.count else { return nil }
    var values: [String: String] = [:]
    for (part, expected) in zip(path, pattern) {
      if expected.hasPrefix(":") {
        guard !part.isEmpty else { return nil }
        values[String(expected.dropFirst())] = part
      } else if part != expected {
        return nil
      }
    }
    return values
  }
}

extension HTTPReply {
  /// The HTTP status; an upgrade counts as 101.
  var status: Int {
    switch self {
    case .response(let response): response.status
    case .webSocket: 101
    }
  }
}
