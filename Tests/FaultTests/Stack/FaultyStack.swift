import Foundation
import TestSupport

/// Two servers on real back ends, with a proxy in every line between them: each server's to each back end, and the
/// clients' to each server.
final class FaultyStack: @unchecked Sendable {
  static let serverCount = 2

  /// One server with its lines.
  struct Server {
    /// Stays the same when the server comes back on another port.
    let clients: FaultProxy
    let database: FaultProxy
    let redis: FaultProxy
    let elasticsearch: ElasticsearchProxy
    var process: PalaverProcess?
  }

  let backends: PrivateBackends
  /// Elasticsearch itself.
  let elasticsearch: HTTPTestClient
  let indexPrefix: String
  private let flags: [String]
  private let lock = NSLock()
  private var servers: [Server]

  /// - Parameter flags: of `palaver serve`, beside the profile's.
  init(flags: [String] = []) throws {
    guard let port = PrivateBackends.elasticsearchPort else {
      throw TestSupportError("PALAVER_TEST_ELASTICSEARCH is not set")
    }
    self.flags = ["--auth", "open", "--allow-open"] + flags
    elasticsearch = HTTPTestClient(port: port, timeout: .seconds(60))
    indexPrefix = "palaver_faults_\(UInt32.random(in: 0...UInt32.max))"
    let backends = try PrivateBackends()
    self.backends = backends
    servers = try (0..<Self.serverCount).map { _ in
      Server(
        clients: try FaultProxy(upstream: 0), database: try FaultProxy(upstream: backends.port(of: .mariadb)),
        redis: try FaultProxy(upstream: backends.port(of: .redis)),
        elasticsearch: try ElasticsearchProxy(upstream: port))
    }
    for index in servers.indices { try start(index) }
  }

  func server(_ index: Int) -> Server { lock.withLock { servers[index] } }

  /// A client's way to a server, through its proxy.
  func port(_ index: Int) -> Int { server(index).clients.port }

  func http(_ index: Int, timeout: Duration = .seconds(15)) -> HTTPTestClient {
    HTTPTestClient(port: port(index), timeout: timeout)
  }

  func start(_ index: Int) throws {
    let server = server(index)
    let (process, port) = try PalaverProcess.serve(
      flags: flags,
      environment: [
        "PALAVER_DATABASE_URL": "mysql://palaver:palaver@127.0.0.1:\(server.database.port)/palaver",
        "PALAVER_REDIS_URL": "redis://127.0.0.1:\(server.redis.port)/0", "PALAVER_INDEX_PREFIX": indexPrefix,
        "PALAVER_ELASTICSEARCH_URL": "http://127.0.0.1:\(server.elasticsearch.port)",
      ])
    server.clients.upstream = port
    lock.withLock { servers[index].process = process }
  }

  /// SIGKILL: nothing is flushed, nobody is told.
  func kill(_ index: Int) {
    server(index).process?.kill()
    lock.withLock { servers[index].process = nil }
  }

  func isRunning(_ index: Int) -> Bool { server(index).process?.isRunning ?? false }

  /// Every line open, every part running.
  func heal() throws {
    for part in PrivateBackends.Part.allCases { try backends.resume(part) }
    for index in 0..<Self.serverCount {
      let server = server(index)
      for proxy in [server.clients, server.database, server.redis] { proxy.state = .open }
      server.elasticsearch.answer = .honest
      server.process?.signal(SIGCONT)
      if !isRunning(index) { try start(index) }
    }
  }

  func remove() {
    for index in 0..<Self.serverCount {
      server(index).process?.signal(SIGCONT)
      server(index).process?.signal(SIGTERM)
    }
    for index in 0..<Self.serverCount {
      let server = server(index)
      server.process?.terminate()
      for proxy in [server.clients, server.database, server.redis] { proxy.stop() }
      server.elasticsearch.stop()
    }
    backends.remove()
    dropIndices()
  }

  private func dropIndices() {
    let list = try? elasticsearch.get("/_cat/indices/\(indexPrefix)*?h=index&expand_wildcards=all").text
    for index in list?.split(whereSeparator: \.isWhitespace) ?? [] {
      _ = try? elasticsearch.request("DELETE", "/\(index)")
    }
    _ = try? elasticsearch.request("DELETE", "/_index_template/\(indexPrefix)*")
  }
}
