import ChatRooms
import Drivers

/// The indexer's lanes: which it holds, how far each is, and what to send next. Belongs to the indexer's task.
struct LaneReader {
  private let journal: any Journal
  private let leases: any LaneLeases
  private let options: IndexerOptions
  private(set) var lanes: [Int: LaneProgress] = [:]
  /// The lane to begin with, so that a busy one does not starve the others.
  private var first = 0

  init(journal: any Journal, leases: any LaneLeases, options: IndexerOptions) {
    self.journal = journal
    self.leases = leases
    self.options = options
  }

  /// Renews the leases: a committed write, see `LaneLeases.acquire`.
  mutating func renew() async throws {
    let held = try await leases.acquire(owner: options.owner, seconds: options.leaseSeconds)
    var renewed: [Int: LaneProgress] = [:]
    for lease in held {
      if let known = lanes[lease.lane], known.lease.number == lease.number {
        renewed[lease.lane] = known
      } else {
        renewed[lease.lane] = LaneProgress(lease)
      }
    }
    lanes = renewed
  }

  /// Reads what lies behind the lanes' positions, up to about `batches` full batches. Empty if nothing is new.
  ///
  /// What is returned was durable before: the leases are renewed, a committed write, between reading and returning
  /// (hazard 6: InnoDB may show a commit before it is flushed).
  mutating func read(batches limit: Int) async throws -> [BulkBatch] {
    var after = self
    let batches = try await after.gather(limit)
    guard !batches.isEmpty else { return [] }
    try await after.renew()
    self = after
    return batches
  }

  private mutating func gather(_ limit: Int) async throws -> [BulkBatch] {
    let heads = try await journal.heads()
    var open = heads.indices.map { heads[(first + $0) % heads.count] }
    first = heads.isEmpty ? 0 : (first + 1) % heads.count
    var batches: [BulkBatch] = []
    var batch = BulkBatch()
    // One stretch of each lane, and then of those that have more: a single busy lane fills all that may be in flight.
    while !open.isEmpty, batches.count < limit {
      var more: [LaneHead] = []
      for head in open where batches.count < limit {
        if try await gather(head, into: &batch, full: &batches) { more.append(head) }
      }
      open = more
    }
    if !batch.stretches.isEmpty { batches.append(batch) }
    return batches
  }

  /// Reads what comes next in a lane. Returns whether there is more behind it.
  private mutating func gather(
    _ head: LaneHead, into batch: inout BulkBatch, full batches: inout [BulkBatch]
  ) async throws -> Bool {
    guard let progress = lanes[head.lane], progress.read < head.head else { return false }
    let events = try await journal.events(lane: head.lane, after: progress.read, limit: options.documentsPerBulk)
    if events.isEmpty, head.head - progress.read >= RewindJump.positions {
      // Positions that a rewind has passed over: there never was anything.
      if let stretch = lanes[head.lane]?.didRead(through: head.head) { batch.cover(stretch) }
    }
    append(events, of: head.lane, to: &batch, full: &batches)
    return events.count == options.documentsPerBulk
  }

  private mutating func append(
    _ events: [RoomEvent], of lane: Int, to batch: inout BulkBatch, full: inout [BulkBatch]
  ) {
    for (index, event) in events.enumerated() {
      if MessageDocument.concerns(event) { batch.append(event) }
      let isFull =
        batch.events.count >= options.documentsPerBulk || batch.body.count >= options.bytesPerBulk
      guard isFull || index == events.count - 1 else { continue }
      if let stretch = lanes[lane]?.didRead(through: event.position) { batch.cover(stretch) }
      guard isFull else { continue }
      full.append(batch)
      batch = BulkBatch()
    }
  }

  mutating func complete(_ batch: BulkBatch) {
    for stretch in batch.stretches { lanes[stretch.lease.lane]?.complete(stretch) }
  }

  /// What was not sent after all is read again.
  mutating func forget(lane: Int) { lanes[lane] = nil }

  /// How far each lane is that is further than the journal knows.
  var unsaved: [LaneLease] {
    lanes.values.filter(\.isUnsaved).map {
      LaneLease(lane: $0.lease.lane, number: $0.lease.number, indexed: $0.done)
    }
  }

  mutating func didSave(_ lease: LaneLease) {
    guard lanes[lease.lane]?.lease.number == lease.number else { return }
    lanes[lease.lane]?.didSave(lease.indexed)
  }

  /// Another owner has the lane by now.
  mutating func didLose(_ lease: LaneLease) {
    if lanes[lease.lane]?.lease.number == lease.number { lanes[lease.lane] = nil }
  }

  /// The leases with what is saved of them, for trimming.
  var saved: [LaneLease] {
    lanes.values.map { LaneLease(lane: $0.lease.lane, number: $0.lease.number, indexed: $0.saved) }
      .sorted { $0.lane < $1.lane }
  }
}
