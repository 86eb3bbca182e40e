import ChatRooms

/// What an indexer's task has in hand.
struct IndexerRound {
  typealias Instant = ContinuousClock.Instant

  var lanes: LaneReader
  /// Rendered and waiting for a place in flight.
  var ready: [BulkBatch] = []
  /// By batch number: when the oldest event in it was accepted.
  private(set) var inFlight: [UInt64: Milliseconds] = [:]
  private var nextNumber: UInt64 = 0

  var wantsRead = true
  var wantsSave = false
  /// The last read ended because it had enough.
  var hasBacklog = false
  var isTrimming = false
  var renewAt: Instant = .now
  var trimAt: Instant = .now
  /// Until then the journal is left alone, after a failure.
  var pauseUntil: Instant = .now
  var backoff = Backoff()

  init(_ lanes: LaneReader) { self.lanes = lanes }

  var mayUseJournal: Bool { ContinuousClock.now >= pauseUntil }

  mutating func begin() -> (UInt64, BulkBatch)? {
    guard !ready.isEmpty else { return nil }
    let batch = ready.removeFirst()
    nextNumber += 1
    inFlight[nextNumber] = batch.oldest
    return (nextNumber, batch)
  }

  mutating func ended(_ number: UInt64) { inFlight[number] = nil }

  /// When the oldest event that was read and is not indexed was accepted.
  var oldest: Milliseconds? { (inFlight.values + ready.map(\.oldest)).min() }
}

extension BulkBatch {
  fileprivate var oldest: Milliseconds { events.lazy.map(\.timestamp).min() ?? 0 }
}
