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

  public init(
    _ method: HTTPRequest.Method, _ path: String, body: [UInt8]? = nil, contentType: String = "application/json",
    timeout: Duration = .seconds(10), acceptsCompression: Bool = false
  ) {
    self.method = method
    self.path = path
    self.body = body
    self.contentType = contentType
    self.timeout = timeout
    self.acceptsCompression = acceptsCompression
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
    var failure = HTTPError(.invalid, "No server is configured.")
    for _ in nodes.indices {
      let left = deadline - .now
      guard left > .zero else { break }
      let index = pick()
      do {
        let reply = try await client.send(httpRequest(request, to: nodes[index], timeout: left))
        note(index, isAlive: true)
        return reply
      } catch {
        if Self.speaksAgainstNode(error.kind) { note(index, isAlive: false) }
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

  private static func speaksAgainstNode(_ kind: HTTPError.Kind) -> Bool {
    isWorthAnotherNode(kind) || kind == .timedOut
  }

  private static func isWorthAnotherNode(_ kind: HTTPError.Kind) -> Bool {
    switch kind {
    case .unreachable, .disconnected, .tls: true
    case .timedOut, .replyTooLarge, .cancelled, .closed, .invalid, .other: false
    }
  }

  private func pick() -> Int {
    lock.lock()
    defer { lock.unlock() }
    return selector.pick(at: .now)
  }

  private func note(_ index: Int, isAlive: Bool) {
    lock.lock()
    defer { lock.unlock() }
    if isAlive { selector.succeeded(index) } else { selector.failed(index, at: .now) }
  }
}
