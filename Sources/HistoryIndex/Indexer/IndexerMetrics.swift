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
  let deadLetters: Counter
  private let lag: Histogram
  private let lanesTaken: Counter
  private let lanesLost: Counter

  /// Seconds, from what a bulk takes to the length of an outage.
  private static let lagBounds = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600]

  private let lock = NSLock()
  /// When the oldest event that waits was accepted; `nil` if none waits.
  private var oldest: Milliseconds?
  /// The numbers of the leases that are held, by lane.
  private var leases: [Int: Int64] = [:]

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
    deadLetters = metrics.counter("palaver_dead_letters_total", "Events put among the dead letters.")
    lag = metrics.histogram(
      "palaver_index_lag_seconds",
      "From an event's acceptance until the index has taken it; searches see it at the next refresh, 200 ms later.",
      bounds: Self.lagBounds)
    let lanes = ("palaver_indexer_lane_changes_total", "Lanes that came to this indexer and that went to another.")
    lanesTaken = metrics.counter(lanes.0, lanes.1, ["change": "taken"])
    lanesLost = metrics.counter(lanes.0, lanes.1, ["change": "lost"])
    metrics.gauge("palaver_indexer_lanes", "Lanes that this indexer drains now.") { [weak self] in
      Double(self?.laneCount ?? 0)
    }
    metrics.gauge("palaver_indexer_lag_seconds", "Age of the oldest event that this indexer has read and not indexed.")
    {
      [weak self] in self?.oldestAge ?? 0
    }
  }

  func waiting(since oldest: Milliseconds?) {
    lock.lock()
    self.oldest = oldest
    lock.unlock()
  }

  /// - Parameter leases: their numbers by lane, as they stand after a renewal.
  func holding(_ leases: [Int: Int64]) {
    let (taken, lost) = lock.withLock {
      let before = self.leases
      self.leases = leases
      return (leases.count { before[$0.key] != $0.value }, before.count { leases[$0.key] == nil })
    }
    lanesTaken.add(taken)
    lanesLost.add(lost)
  }

  /// - Parameter times: when the events that the index has just taken were accepted.
  func took(acceptedAt times: some Sequence<Milliseconds>) {
    let now = Date().timeIntervalSince1970
    for time in times { lag.observe(max(0, now - Double(time) / 1_000)) }
  }

  private var laneCount: Int { lock.withLock { leases.count } }

  private var oldestAge: Double {
    lock.lock()
    defer { lock.unlock() }
    guard let oldest else { return 0 }
    return max(0, Date().timeIntervalSince1970 - Double(oldest) / 1_000)
  }
}
