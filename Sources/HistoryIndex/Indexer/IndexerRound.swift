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
  /// There was a backlog, of which the last is under way: when it has ended, that is written down at once.
  var isCatchingUp = false
  /// The last read found so much that waiting a little longer makes fewer and fuller bulks.
  var isBusy = false
  var isSaving = false
  /// Why the last save was not finished.
  var saveFailure: (any Error)?
  var isTrimming = false
  var renewAt: Instant = .now
  var trimAt: Instant = .now
  /// Until then the journal is left alone, after a failure.
  var pauseUntil: Instant = .now
  var backoff = Backoff()

  init(_ lanes: LaneReader) { self.lanes = lanes }

  /// Whether to read more. A backlog is read ahead, so that a bulk that ends is followed by the next at once; what comes
  /// as it is sent is left to gather in the journal while as many bulks as may be are in flight.
  func hasPlace(of bulks: Int) -> Bool {
    hasBacklog ? ready.count < bulks : ready.isEmpty && inFlight.count < bulks
  }

  var mayUseJournal: Bool { ContinuousClock.now >= pauseUntil }

  mutating func begin() -> (UInt64, BulkBatch)? {
    guard !ready.isEmpty else { return nil }
    let batch = ready.removeFirst()
    nextNumber += 1
    inFlight[nextNumber] = batch.oldest
    return (nextNumber, batch)
  }

  mutating func ended(_ number: UInt64) {
    inFlight[number] = nil
    guard isCatchingUp, !hasBacklog, inFlight.isEmpty, ready.isEmpty else { return }
    isCatchingUp = false
    wantsSave = true
  }

  /// When the oldest event that was read and is not indexed was accepted.
  var oldest: Milliseconds? { (inFlight.values + ready.map(\.oldest)).min() }
}

extension BulkBatch {
  fileprivate var oldest: Milliseconds { events.lazy.map(\.timestamp).min() ?? 0 }
}
