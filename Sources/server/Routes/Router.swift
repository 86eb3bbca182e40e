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
  /// Answers at once or says that it cannot; an error is left to the handler, which meets it too.
  typealias ImmediateHandler = @Sendable (RoutedRequest) throws -> HTTPReply?
  /// Begins an answer or says that it cannot; an error is left to the handler, which meets it too.
  typealias BeginningHandler = @Sendable (RoutedRequest) throws -> BegunReply?

  private struct Route: Sendable {
    var method: String
    var pattern: RoutePattern
    var immediate: ImmediateHandler?
    var begin: BeginningHandler?
    var handler: Handler
    var measure: RouteMetrics.Route

    func routed(_ request: HTTPRequest) -> RoutedRequest {
      RoutedRequest(request: request, values: pattern.values(of: request.path))
    }
  }

  private var routes: [Route] = []
  private let metrics: RouteMetrics
  private let errors: RouteErrors

  init(metrics: RouteMetrics, errors: RouteErrors) {
    self.metrics = metrics
    self.errors = errors
  }

  /// - Parameters:
  ///   - pattern: `/v1/chatrooms/:id`. The pattern, never the path, is the metrics' label.
  ///   - immediate: called first, on a thread that must not wait.
  ///   - begin: called then, on the same thread.
  mutating func on(
    _ method: String, _ pattern: String, immediate: ImmediateHandler? = nil, begin: BeginningHandler? = nil,
    _ handler: @escaping Handler
  ) {
    let measure = metrics.route(method, pattern)
    routes.append(
      Route(
        method: method, pattern: RoutePattern(pattern), immediate: immediate, begin: begin, handler: handler,
        measure: measure))
    // A plain part beats a value, wherever its route was added.
    routes.sort { $0.pattern.valueCount < $1.pattern.valueCount }
  }

  func handle(_ request: HTTPRequest) async throws -> HTTPReply {
    let start = ContinuousClock.now
    let (reply, measure) = await answer(request)
    measure.observe(status: reply.status, duration: ContinuousClock.now - start)
    return reply
  }

  func immediate(_ request: HTTPRequest) -> HTTPReply? {
    guard let route = route(of: request), let immediate = route.immediate else { return nil }
    let start = ContinuousClock.now
    guard let reply = try? immediate(route.routed(request)) else { return nil }
    route.measure.observe(status: reply.status, duration: ContinuousClock.now - start)
    return reply
  }

  func begin(_ request: HTTPRequest) -> BegunReply? {
    guard let route = route(of: request), let begin = route.begin else { return nil }
    let start = ContinuousClock.now
    guard let rest = try? begin(route.routed(request)) else { return nil }
    @Sendable func measured(_ reply: HTTPReply) -> HTTPReply {
      route.measure.observe(status: reply.status, duration: ContinuousClock.now - start)
      return reply
    }
    return BegunReply(
      whenReady: rest.whenReady, replyAtOnce: { rest.replyAtOnce().map(measured) },
      reply: { [errors] in
        do { return measured(try await rest.reply()) } catch {
          return measured(.response(errors.response(for: error, to: request)))
        }
      })
  }

  private func route(of request: HTTPRequest) -> Route? {
    let method = request.method == "HEAD" ? "GET" : request.method
    return routes.first { $0.method == method && $0.pattern.matches(request.path) }
  }

  private func answer(_ request: HTTPRequest) async -> (HTTPReply, RouteMetrics.Route) {
    guard let route = route(of: request) else {
      let matches = routes.filter { $0.pattern.matches(request.path) }
      return (.response(refusal(of: request, matches)), metrics.other)
    }
    do {
      return (try await route.handler(route.routed(request)), route.measure)
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
