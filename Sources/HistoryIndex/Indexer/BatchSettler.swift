import ChatRooms
import Drivers

/// Brings one batch to its end: written, conflicts examined, what the index refuses put away.
struct BatchSettler: Sendable {
  let client: ElasticsearchClient
  let alias: String
  let writer: BulkWriter
  let leases: any LaneLeases
  let log: Log
  let metrics: IndexerMetrics

  /// Returns when nothing is left to be done for any event of the batch.
  ///
  /// - Throws: `CancellationError`; `LeaseLost` if another owner has to do it.
  func settle(_ batch: BulkBatch) async throws {
    let start = ContinuousClock.now
    let fates = try await writer.write(batch)
    metrics.batchSeconds.observe((ContinuousClock.now - start) / .seconds(1))
    var conflicts: [Int] = []
    var letters: [(index: Int, reason: String)] = []
    var indexed = 0
    for (index, fate) in fates.enumerated() {
      switch fate {
      case .indexed: indexed += 1
      case .conflict: conflicts.append(index)
      case .refused(let error): letters.append((index, error.description))
      }
    }
    metrics.indexed.add(indexed)
    metrics.took(acceptedAt: fates.indices.lazy.filter { fates[$0] == .indexed }.map { batch.events[$0].timestamp })
    let refused = letters.map(\.index)
    metrics.refused.add(refused.count)
    if !conflicts.isEmpty { letters += try await clashes(in: batch, conflicts) }
    if !letters.isEmpty { try await bury(letters, of: batch) }
    if !refused.isEmpty { try await keepUnindexed(refused, of: batch) }
  }

  /// A conflict is what sending something again looks like. It is an alarm where the index holds *another* event of
  /// that number: an acknowledged message would be swallowed (hazard 6).
  private func clashes(in batch: BulkBatch, _ conflicts: [Int]) async throws -> [(index: Int, reason: String)] {
    let ids = conflicts.map {
      let message = batch.events[$0].message
      return (
        id: MessageDocument.id(room: message.room, seq: message.seq), routing: batch.events[$0].routing
      )
    }
    let stored = try await untilItWorks {
      try await client.documents(in: alias, ids: ids, source: ["event", "revised", "nonce"])
    }
    var clashes: [(index: Int, reason: String)] = []
    for (index, document) in zip(conflicts, stored) where !Self.holds(document, batch.events[index]) {
      let event = batch.events[index]
      log.error(
        "the index holds another event of this number",
        ["room": "\(event.room)", "seq": "\(event.message.seq)", "event": "\(event.event)"])
      clashes.append((index, "409: the index holds \(document?.compact ?? "nothing"), this is nonce \(event.nonce)"))
    }
    metrics.clashes.add(clashes.count)
    metrics.duplicates.add(conflicts.count - clashes.count)
    return clashes
  }

  /// The stored document is this event, or a later one of the same message.
  static func holds(_ document: JSONValue?, _ event: RoomEvent) -> Bool {
    guard let document, let revised = document["revised"]?.integer,
      document["event"]?.integer == event.message.event
    else { return false }
    return revised > event.event || (revised == event.event && document["nonce"]?.integer == event.nonce)
  }

  private func bury(_ letters: [(index: Int, reason: String)], of batch: BulkBatch) async throws {
    for stretch in batch.stretches {
      let mine = letters.filter { batch.events[$0.index].lane == stretch.lease.lane }.map { index, reason in
        let event = batch.events[index]
        log.error(
          "an event was put among the dead letters",
          ["room": "\(event.room)", "seq": "\(event.message.seq)", "reason": reason])
        return DeadLetter(
          lane: event.lane, position: event.position, room: event.room, seq: event.message.seq, reason: reason,
          document: batch.document(of: index))
      }
      guard !mine.isEmpty else { continue }
      try await untilItWorks { try await leases.bury(mine, under: stretch.lease) }
      metrics.deadLetters.add(mine.count)
    }
  }

  /// History must not have a hole: the text is kept where it is not analysed.
  private func keepUnindexed(_ refused: [Int], of batch: BulkBatch) async throws {
    var fallback = BulkBatch(isTextIndexed: false)
    for index in refused { fallback.append(batch.events[index]) }
    for (event, fate) in zip(fallback.events, try await writer.write(fallback)) {
      guard case .refused(let error) = fate else { continue }
      log.error(
        "not even a fallback document was taken",
        ["room": "\(event.room)", "seq": "\(event.message.seq)", "reason": "\(error)"])
    }
  }

  private func untilItWorks<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    try await Backoff.untilItWorks(
      isFinal: { $0 is LeaseLost }, failed: { log.debug("a step of a batch is repeated", ["error": "\($0)"]) }, body)
  }
}
