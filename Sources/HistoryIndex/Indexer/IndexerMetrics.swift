import ChatRooms
import Drivers
import Foundation

/// What an indexer counts.
final class IndexerMetrics: @unchecked Sendable {
  let indexed: Counter
  let duplicates: Counter
  let refused: Counter
  let clashes: Counter
  let trimmed: Counter
  let itemsAgain: Counter
  let batchesAgain: Counter
  let batchesBlocked: Counter
  let batchesSplit: Counter
  let batchSeconds: Histogram

  private let lock = NSLock()
  /// When the oldest event that waits was accepted; `nil` if none waits.
  private var oldest: Milliseconds?

  init(_ metrics: Metrics) {
    func documents(_ result: String) -> Counter {
      metrics.counter("palaver_indexer_documents_total", "Documents sent to the index.", ["result": result])
    }
    func batches(_ result: String) -> Counter {
      metrics.counter("palaver_indexer_setbacks_total", "Bulk requests that have to be repeated.", ["kind": result])
    }
    indexed = documents("indexed")
    duplicates = documents("duplicate")
    refused = documents("refused")
    clashes = documents("clash")
    itemsAgain = documents("again")
    batchesAgain = batches("again")
    batchesBlocked = batches("blocked")
    batchesSplit = batches("split")
    trimmed = metrics.counter("palaver_journal_trimmed_total", "Journal rows deleted after they were indexed.")
    batchSeconds = metrics.histogram("palaver_indexer_batch_seconds", "From a batch's rendering to its last reply.")
    metrics.gauge("palaver_indexer_lag_seconds", "Age of the oldest event that this indexer has yet to index.") {
      [weak self] in self?.lag ?? 0
    }
  }

  func waiting(since oldest: Milliseconds?) {
    lock.lock()
    self.oldest = oldest
    lock.unlock()
  }

  private var lag: Double {
    lock.lock()
    defer { lock.unlock() }
    guard let oldest else { return 0 }
    return max(0, Date().timeIntervalSince1970 - Double(oldest) / 1_000)
  }
}
