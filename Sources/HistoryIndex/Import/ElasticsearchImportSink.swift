import ChatRooms
import Drivers

/// Imports into the stack past the journal: documents go straight into the index, and MySQL learns of them once they
/// are refreshed. Until then nobody can see or number past them, since the import holds their rooms.
public struct ElasticsearchImportSink: ImportSink {
  private let client: ElasticsearchClient
  private let names: IndexNames
  private let writer: BulkWriter
  private let ledger: ImportLedger
  private let refreshes: OutageLog

  public init(
    client: ElasticsearchClient, names: IndexNames, ledger: ImportLedger, log: Log, metrics: Metrics
  ) {
    self.client = client
    self.names = names
    self.ledger = ledger
    refreshes = OutageLog(log, "the index cannot be refreshed", "the index is refreshed again")
    writer = BulkWriter(client: client, alias: names.write, log: log, metrics: IndexerMetrics(metrics))
  }

  /// Two keep a node busy; one more is rendered meanwhile.
  public let concurrency = 3
  /// In requests of 1,000 documents each, Elasticsearch takes about a tenth less.
  public let linesPerBatch = 2_500

  public func write(_ batch: ImportBatch) async throws {
    let fates = try await writer.write(BulkBatch(batch.events))
    var refused = BulkBatch(isTextIndexed: false)
    for (index, fate) in fates.enumerated() {
      // A conflict is the same document, sent before a crash.
      if case .refused = fate { refused.append(batch.events[index]) }
    }
    guard !refused.isEmpty else { return }
    for fate in try await writer.write(refused) {
      if case .refused(let error) = fate { throw ImportRefusal("the index refuses a message: \(error)") }
    }
  }

  public func record(_ checkpoint: ImportCheckpoint) async throws {
    // As the documents: an index that is busy or away for a while must not end hours of work.
    _ = try await Backoff.untilItWorks(
      failed: { refreshes.failed("\($0)") }, { try await client.refresh(names.write) })
    refreshes.succeeded()
    try await ledger.record(checkpoint)
  }
}
