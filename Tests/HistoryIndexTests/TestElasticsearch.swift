import ChatRooms
import Drivers
import Foundation

@testable import HistoryIndex

/// The real Elasticsearch of `PALAVER_TEST_ELASTICSEARCH` (`http://host:port`), with indices of a test's own.
struct TestElasticsearch {
  static let url = ProcessInfo.processInfo.environment["PALAVER_TEST_ELASTICSEARCH"]
  static var isThere: Bool { url != nil }

  let http = HTTPClient()
  let client: ElasticsearchClient
  let names: IndexNames
  let generations: Generations

  init(_ name: String, origin: String = url ?? "") {
    client = ElasticsearchClient(nodes: NodePool([HTTPNode(origin: origin)], client: http))
    names = IndexNames(prefix: "el-\(name)-\(UInt32.random(in: 0 ... .max))")
    generations = Generations(client: client, names: names)
  }

  /// Runs a test on fresh indices and drops them afterwards.
  static func with(_ name: String, _ body: (TestElasticsearch) async throws -> Void) async throws {
    let elastic = TestElasticsearch(name)
    defer { elastic.http.close() }
    try await elastic.generations.migrate()
    do {
      try await body(elastic)
    } catch {
      try? await elastic.generations.dropAll()
      throw error
    }
    try await elastic.generations.dropAll()
  }

  func index(_ events: [RoomEvent]) async throws {
    var batch = BulkBatch()
    for event in events { batch.append(event) }
    let reply = try await client.bulk(into: names.write, body: batch.body, timeout: .seconds(10))
    guard BulkReply(reply, count: events.count) == .items(Array(repeating: .done, count: events.count)) else {
      throw ElasticsearchError(reply)
    }
    _ = try await client.refresh(names.read)
  }

  func indexer(_ journal: MemoryJournal, client: ElasticsearchClient? = nil, keep: Int64 = 1, log: Log = .silent)
    -> Indexer
  {
    var options = IndexerOptions(owner: "test")
    options.poll = .milliseconds(20)
    options.keep = keep
    options.trimInterval = .milliseconds(50)
    return Indexer(
      journal: journal, leases: journal, client: client ?? self.client, names: names, options: options, log: log,
      metrics: Metrics())
  }
}

/// Runs an indexer until a condition holds.
func running(_ indexer: Indexer, until condition: @escaping @Sendable () async throws -> Bool) async throws {
  let task = Task { await indexer.run() }
  while try await !condition() { try await Task.sleep(for: .milliseconds(5)) }
  task.cancel()
  await task.value
}
