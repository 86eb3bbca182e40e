import Foundation

/// A request to whichever node answers. The work must bear being done twice.
public struct NodeRequest: Sendable {
  public var method: HTTPRequest.Method
  /// `/index/_search?…`, percent-encoded.
  public var path: String
  public var contentType: String
  public var body: [UInt8]?
  /// For all attempts together.
  public var timeout: Duration
  public var acceptsCompression: Bool
  /// Fail at once while no node has answered lately, rather than spend the whole timeout on finding that out again.
  /// Requests without it, and one at the end of each node's pause, find out when a node is back.
  public var failsFast: Bool

  public init(
    _ method: HTTPRequest.Method, _ path: String, body: [UInt8]? = nil, contentType: String = "application/json",
    timeout: Duration = .seconds(10), acceptsCompression: Bool = false, failsFast: Bool = false
  ) {
    self.method = method
    self.path = path
    self.body = body
    self.contentType = contentType
    self.timeout = timeout
    self.acceptsCompression = acceptsCompression
    self.failsFast = failsFast
  }
}

/// Several equal servers behind one client: round-robin, with those that do not answer left out for a while.
public final class NodePool: @unchecked Sendable {
  private let client: HTTPClient
  private let nodes: [HTTPNode]
  private let lock = NSLock()
  private var selector: NodeSelector

  public init(_ nodes: [HTTPNode], client: HTTPClient) {
    self.nodes = nodes
    self.client = client
    selector = NodeSelector(count: nodes.count)
  }

  /// Sends to one node after another until one answers, with whatever status, within the request's timeout.
  ///
  /// - Throws: `HTTPError`, that of the last attempt.
  public func send(_ request: NodeRequest) async throws(HTTPError) -> HTTPReply { try await reply(to: begin(request)) }

  /// A request that was sent to a first node.
  public struct Begun: Sendable {
    fileprivate var request: NodeRequest
    fileprivate var deadline: ContinuousClock.Instant
    /// `nil` where there was no node to ask.
    fileprivate var attempt: Attempt?

    /// Calls `handler` once the first node has answered, or failed to: now, or on the client's thread.
    public func whenAnswered(_ handler: @escaping @Sendable () -> Void) {
      guard let attempt else { return handler() }
      attempt.request.result.whenGiven { _ in handler() }
    }
  }

  fileprivate struct Attempt: Sendable {
    var node: Int
    var start: ContinuousClock.Instant
    var request: HTTPAttempt
  }

  /// Sends a request whose reply is waited for later. Never waits.
  public func begin(_ request: NodeRequest) -> Begun {
    let deadline = ContinuousClock.now + request.timeout
    return Begun(request: request, deadline: deadline, attempt: attempt(request, by: deadline))
  }

  /// The first node's reply, if it is there. Never waits.
  public func replyAtOnce(to begun: Begun) -> HTTPReply? {
    guard let attempt = begun.attempt, case .success(let reply) = attempt.request.result.current else { return nil }
    noteReply(attempt.node)
    return reply
  }

  /// Waits for the reply, as `send`.
  public func reply(to begun: Begun) async throws(HTTPError) -> HTTPReply {
    var failure =
      nodes.isEmpty
      ? HTTPError(.invalid, "No server is configured.") : HTTPError(.unreachable, "No server has answered lately.")
    var next = begun.attempt
    for left in nodes.indices.reversed() {
      guard let attempt = next else { break }
      do {
        let reply = try await attempt.request.reply()
        noteReply(attempt.node)
        return reply
      } catch {
        note(error.kind, attempt.node, since: attempt.start)
        guard Self.isWorthAnotherNode(error.kind) else { throw error }
        failure = error
      }
      next = left > 0 ? self.attempt(begun.request, by: begun.deadline) : nil
    }
    throw failure
  }

  private func attempt(_ request: NodeRequest, by deadline: ContinuousClock.Instant) -> Attempt? {
    let start = ContinuousClock.now
    guard start < deadline, let index = pick(failsFast: request.failsFast), nodes.indices.contains(index) else {
      return nil
    }
    let sent = client.begin(httpRequest(request, to: nodes[index], timeout: deadline - start))
    return Attempt(node: index, start: start, request: sent)
  }

  private func httpRequest(_ request: NodeRequest, to node: HTTPNode, timeout: Duration) -> HTTPRequest {
    var headers = request.body == nil ? [] : ["Content-Type: \(request.contentType)"]
    if let header = node.credentials.header { headers.append(header) }
    return HTTPRequest(
      request.method, node.origin + request.path, headers: headers, body: request.body, timeout: timeout,
      acceptsCompression: request.acceptsCompression)
  }

  private static func isWorthAnotherNode(_ kind: HTTPError.Kind) -> Bool {
    switch kind {
    case .unreachable, .disconnected, .tls: true
    case .timedOut, .replyTooLarge, .cancelled, .closed, .invalid, .other: false
    }
  }

  private func pick(failsFast: Bool) -> Int? {
    lock.withLock { failsFast ? selector.pickAnswering(at: .now) : selector.pick(at: .now) }
  }

  private func noteReply(_ index: Int) { lock.withLock { selector.succeeded(index, at: .now) } }

  private func note(_ failure: HTTPError.Kind, _ index: Int, since start: ContinuousClock.Instant) {
    lock.withLock {
      if failure == .timedOut {
        selector.timedOut(index, since: start, at: .now)
      } else if Self.isWorthAnotherNode(failure) {
        selector.failed(index, at: .now)
      }
    }
  }
}
