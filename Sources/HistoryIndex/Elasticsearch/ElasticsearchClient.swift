import Drivers

/// The calls of Elasticsearch's REST interface that the history needs. Plain `application/json`, so that 8.x, 9.x and
/// OpenSearch answer alike.
///
/// Every call throws `HTTPError` where no node answered, `ElasticsearchError` where one refused, and `UnexpectedReply`
/// for a body that is none of Elasticsearch's.
public struct ElasticsearchClient: Sendable {
  private let nodes: NodePool

  public init(nodes: NodePool) { self.nodes = nodes }

  /// Sends a rendered `_bulk` body. The reply is the caller's to read: see `BulkReply`.
  func bulk(into alias: String, body: [UInt8], timeout: Duration) async throws(HTTPError) -> HTTPReply {
    // `require_alias`: a missing alias must not become an index without our mapping.
    try await nodes.send(
      NodeRequest(
        .post, "/\(alias)/_bulk?require_alias=true&filter_path=errors,items.*.status,items.*.error", body: body,
        contentType: "application/x-ndjson", timeout: timeout))
  }

  /// Fails at once while Elasticsearch has not answered lately.
  ///
  /// - Parameter parameters: the URL's query, percent-encoded.
  func search(in alias: String, _ parameters: String, body: [UInt8], timeout: Duration) async throws -> JSONValue {
    try Self.value(of: try await searchReply(in: alias, parameters, body: body, timeout: timeout))
  }

  /// The same, as the bytes of a JSON object.
  func searchReply(in alias: String, _ parameters: String, body: [UInt8], timeout: Duration) async throws -> [UInt8] {
    try await searchReply(to: beginSearch(in: alias, parameters, body: body, timeout: timeout))
  }

  /// Sends a search whose reply is waited for later. Never waits.
  func beginSearch(in alias: String, _ parameters: String, body: [UInt8], timeout: Duration) -> NodePool.Begun {
    let path = "/\(alias)/_search?\(parameters)"
    return nodes.begin(NodeRequest(.post, path, body: body, timeout: timeout, failsFast: true))
  }

  /// The reply of a search that was sent, if it is there; as `searchReply`. Never waits.
  func searchReplyAtOnce(to begun: NodePool.Begun) throws -> [UInt8]? {
    try nodes.replyAtOnce(to: begun).map(Self.body)
  }

  /// As `searchReply(in:)`, of a search that was sent.
  func searchReply(to begun: NodePool.Begun) async throws -> [UInt8] {
    try Self.body(of: try await nodes.reply(to: begun))
  }

  /// Documents as they are at this moment, refreshed or not.
  ///
  /// - Parameter failsFast: see `NodeRequest.failsFast`.
  /// - Returns: an element for each id, in their order; `nil` for a document that does not exist.
  func documents(
    in alias: String, ids: [(id: String, routing: String)], source: [String]? = nil, timeout: Duration = .seconds(10),
    failsFast: Bool = false
  ) async throws -> [JSONValue?] {
    var body = JSONWriter(capacity: 64 * ids.count)
    body.object {
      $0.key("docs")
      $0.array {
        for (id, routing) in ids { Self.write(id: id, routing: routing, source: source, in: &$0) }
      }
    }
    let reply = try await call(
      .post, "/\(alias)/_mget?filter_path=docs.found,docs._source,docs.error", body.bytes, timeout: timeout,
      failsFast: failsFast)
    guard let documents = reply["docs"]?.array, documents.count == ids.count else {
      throw UnexpectedReply(expected: "\(ids.count) docs")
    }
    return try documents.map(Self.source)
  }

  private static func write(id: String, routing: String, source: [String]?, in writer: inout JSONWriter) {
    writer.object {
      $0.member("_id", id)
      $0.member("routing", routing)
      guard let source else { return }
      $0.key("_source")
      $0.array { for field in source { $0.value(field) } }
    }
  }

  private static func source(of document: JSONValue) throws -> JSONValue? {
    if let error = document["error"] { throw ElasticsearchError(status: 503, error: error) }
    guard let isFound = document["found"]?.boolean else { throw UnexpectedReply(expected: "docs.found") }
    return isFound ? document["_source"] : nil
  }

  /// Makes everything written before visible to searches, on every copy of the shards.
  func refresh(_ alias: String, timeout: Duration = .seconds(30)) async throws -> ShardCounts {
    try ShardCounts(try await call(.post, "/\(alias)/_refresh", nil, timeout: timeout)["_shards"])
  }

  /// What the node is that answers.
  public func product() async throws -> ElasticsearchProduct {
    let version = try await call(.get, "/", nil, timeout: .seconds(5))["version"]
    guard let number = version?["number"]?.string else { throw UnexpectedReply(expected: "version.number") }
    return ElasticsearchProduct(distribution: version?["distribution"]?.string, version: number)
  }

  /// `green`, `yellow` or `red`.
  public func health(_ index: String? = nil) async throws -> String {
    let path = "/_cluster/health" + (index.map { "/\($0)" } ?? "")
    guard let status = try await call(.get, path, nil, timeout: .seconds(5))["status"]?.string else {
      throw UnexpectedReply(expected: "status")
    }
    return status
  }

  /// Waits until every primary shard of an index is there.
  func waitUntilUsable(_ index: String) async throws {
    _ = try await call(
      .get, "/_cluster/health/\(index)?wait_for_status=yellow&timeout=20s", nil, timeout: .seconds(25))
  }

  /// Sends anything, and gives the reply of a 2xx status. An empty body counts as `null`.
  public func call(
    _ method: HTTPRequest.Method, _ path: String, _ body: [UInt8]?, timeout: Duration = .seconds(30),
    failsFast: Bool = false
  ) async throws -> JSONValue {
    try Self.value(of: try await send(NodeRequest(method, path, body: body, timeout: timeout, failsFast: failsFast)))
  }

  /// The body of a 2xx reply.
  private func send(_ request: NodeRequest) async throws -> [UInt8] {
    try Self.body(of: try await nodes.send(request))
  }

  private static func body(of reply: HTTPReply) throws -> [UInt8] {
    guard (200..<300).contains(reply.status) else { throw ElasticsearchError(reply) }
    return reply.body
  }

  private static func value(of body: [UInt8]) throws -> JSONValue {
    guard !body.isEmpty else { return .null }
    do {
      return try JSONValue(parsing: body)
    } catch {
      throw UnexpectedReply(expected: "JSON (\(error))")
    }
  }
}

/// `_shards` of a reply: how many copies were asked, and how many did it.
struct ShardCounts: Equatable {
  var total: Int64
  var successful: Int64
  var failed: Int64

  init(_ value: JSONValue?) throws {
    guard let total = value?["total"]?.integer, let successful = value?["successful"]?.integer,
      let failed = value?["failed"]?.integer
    else { throw UnexpectedReply(expected: "_shards") }
    self.total = total
    self.successful = successful
    self.failed = failed
  }

  /// Every copy that should exist did it. With `auto_expand_replicas` 0-1 those are two as soon as there are two nodes.
  var isWhole: Bool { failed == 0 && successful == total && total > 0 }
}
