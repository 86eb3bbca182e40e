import Foundation
import TestSupport

/// Two servers on real back ends, and indexers beside them if asked for, with a proxy in every line between them: each
/// process's to each back end, and the clients' to each server.
final class FaultyStack: @unchecked Sendable {
  static let serverCount = 2

  /// What a stack consists of.
  struct Shape: Sendable {
    /// Processes that only index. With some, one of the two servers leaves that to them.
    var indexers = 0
    /// Of its own, so that it can be killed.
    var ownsElasticsearch = false
  }

  /// One process with its lines: first the servers, then the indexers.
  struct Server {
    /// Stays the same when the server comes back on another port.
    let clients: FaultProxy
    let database: FaultProxy
    let redis: FaultProxy
    let elasticsearch: ElasticsearchProxy
    let role: String
    var process: PalaverProcess?
  }

  let shape: Shape
  let backends: PrivateBackends
  /// Elasticsearch itself.
  let elasticsearch: HTTPTestClient
  let indexPrefix: String
  private let flags: [String]
  private let lock = NSLock()
  private var servers: [Server]

  /// - Parameter flags: of `palaver serve`, beside the profile's.
  init(shape: Shape = Shape(), flags: [String] = []) throws {
    guard let shared = PrivateBackends.elasticsearchPort else {
      throw TestSupportError("PALAVER_TEST_ELASTICSEARCH is not set")
    }
    self.shape = shape
    let backends = try PrivateBackends(elasticsearch: shape.ownsElasticsearch)
    self.backends = backends
    let port = shape.ownsElasticsearch ? backends.port(of: .elasticsearch) : shared
    self.flags = ["--auth", "open", "--allow-open"] + flags
    elasticsearch = HTTPTestClient(port: port, timeout: .seconds(60))
    indexPrefix = "palaver_faults_\(UInt32.random(in: 0...UInt32.max))"
    servers = try (0..<Self.serverCount + shape.indexers).map { index in
      Server(
        clients: try FaultProxy(upstream: 0), database: try FaultProxy(upstream: backends.port(of: .mariadb)),
        redis: try FaultProxy(upstream: backends.port(of: .redis)),
        elasticsearch: try ElasticsearchProxy(upstream: port), role: Self.role(index, shape))
    }
    for index in servers.indices { try start(index) }
  }

  private static func role(_ index: Int, _ shape: Shape) -> String {
    if index >= serverCount { return "indexer" }
    return index > 0 && shape.indexers > 0 ? "edge" : "all"
  }

  var processCount: Int { lock.withLock { servers.count } }
  /// Of processes that index.
  var indexing: [Int] { (0..<processCount).filter { server($0).role != "edge" } }

  func server(_ index: Int) -> Server { lock.withLock { servers[index] } }

  /// A client's way to a server, through its proxy.
  func port(_ index: Int) -> Int { server(index).clients.port }

  func http(_ index: Int, timeout: Duration = .seconds(15)) -> HTTPTestClient {
    HTTPTestClient(port: port(index), timeout: timeout)
  }

  func start(_ index: Int) throws {
    let server = server(index)
    let (process, port) = try PalaverProcess.serve(
      flags: flags + ["--role", server.role],
      environment: environment(index))
    server.clients.upstream = port
    lock.withLock { servers[index].process = process }
  }

  /// The profile's settings, through a server's own lines.
  func environment(_ index: Int) -> [String: String] {
    let server = server(index)
    return [
      "PALAVER_DATABASE_URL": "mysql://palaver:palaver@127.0.0.1:\(server.database.port)/palaver",
      "PALAVER_REDIS_URL": "redis://127.0.0.1:\(server.redis.port)/0", "PALAVER_INDEX_PREFIX": indexPrefix,
      "PALAVER_ELASTICSEARCH_URL": "http://127.0.0.1:\(server.elasticsearch.port)",
    ]
  }

  /// SIGKILL: nothing is flushed, nobody is told.
  func kill(_ index: Int) {
    server(index).process?.kill()
    lock.withLock { servers[index].process = nil }
  }

  /// SIGTERM, and the exit status.
  func drain(_ index: Int) -> Int32? {
    let status = server(index).process?.terminate()
    lock.withLock { servers[index].process = nil }
    return status ?? nil
  }

  func answer(_ answer: IndexAnswer) {
    for index in 0..<processCount { server(index).elasticsearch.answer = answer }
  }

  func isRunning(_ index: Int) -> Bool { server(index).process?.isRunning ?? false }

  /// Every line open, every part running.
  func heal() throws {
    for part in backends.parts { try backends.resume(part) }
    for index in 0..<processCount {
      let server = server(index)
      for proxy in [server.clients, server.database, server.redis] { proxy.state = .open }
      server.elasticsearch.answer = .honest
      server.process?.signal(SIGCONT)
      if !isRunning(index) { try start(index) }
    }
  }

  func remove() {
    for index in 0..<processCount {
      server(index).process?.signal(SIGCONT)
      server(index).process?.signal(SIGTERM)
    }
    for index in 0..<processCount {
      let server = server(index)
      server.process?.terminate()
      for proxy in [server.clients, server.database, server.redis] { proxy.stop() }
      server.elasticsearch.stop()
    }
    if !shape.ownsElasticsearch { dropIndices() }
    backends.remove()
  }

  private func dropIndices() {
    let list = try? elasticsearch.get("/_cat/indices/\(indexPrefix)*?h=index&expand_wildcards=all").text
    for index in list?.split(whereSeparator: \.isWhitespace) ?? [] {
      _ = try? elasticsearch.request("DELETE", "/\(index)")
    }
    _ = try? elasticsearch.request("DELETE", "/_index_template/\(indexPrefix)*")
  }
}
