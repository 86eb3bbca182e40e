/// How far the indexer is in one lane: what was read, and up to where everything read is done.
///
/// Stretches are done in any order; the cursor moves over the done ones at the front only.
struct LaneProgress: Sendable, Equatable {
  private(set) var lease: LaneLease
  /// Read from the journal up to here.
  private(set) var read: Int64
  /// Everything up to here is done.
  private(set) var done: Int64
  /// What the journal knows to be done.
  private(set) var saved: Int64
  /// Done behind a stretch that is not: by where they begin.
  private var ahead: [Int64: Int64] = [:]

  init(_ lease: LaneLease) {
    self.lease = lease
    read = lease.indexed
    done = lease.indexed
    saved = lease.indexed
  }

  /// - Returns: what was read, to be marked `complete` later.
  mutating func didRead(through position: Int64) -> BulkBatch.Stretch {
    let stretch = BulkBatch.Stretch(lease: lease, after: read, through: max(read, position))
    read = stretch.through
    return stretch
  }

  mutating func complete(_ stretch: BulkBatch.Stretch) {
    guard stretch.lease.number == lease.number, stretch.through > stretch.after else { return }
    ahead[stretch.after] = stretch.through
    while let next = ahead.removeValue(forKey: done) { done = next }
  }

  mutating func didSave(_ position: Int64) { saved = max(saved, position) }
  var isUnsaved: Bool { done > saved }
  /// Something is under way.
  var isBusy: Bool { read > done }
}
