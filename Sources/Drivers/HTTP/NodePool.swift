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
  public func send(_ request: NodeRequest) async throws(HTTPError) -> HTTPReply {
    let deadline = ContinuousClock.now + request.timeout
    var failure =
      nodes.isEmpty
      ? HTTPError(.invalid, "No server is configured.") : HTTPError(.unreachable, "No server has answered lately.")
    for _ in nodes.indices {
      let start = ContinuousClock.now
      guard start < deadline, let index = pick(failsFast: request.failsFast) else { break }
      do {
        let reply = try await client.send(httpRequest(request, to: nodes[index], timeout: deadline - start))
        noteReply(index)
        return reply
      } catch {
        note(error.kind, index, since: start)
        guard Self.isWorthAnotherNode(error.kind) else { throw error }
        failure = error
      }
    }
    throw failure
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
