import ChatRooms
import Drivers

/// Deletes what the journal need not keep any more: rows that are indexed, refreshed on every copy that should exist,
/// and old enough.
struct JournalTrimmer: Sendable {
  /// Calls for a lane in one round; the rest waits for the next.
  private static let mostCalls = 20

  let client: ElasticsearchClient
  let alias: String
  let leases: any LaneLeases
  let keep: Milliseconds
  let log: Log
  let metrics: IndexerMetrics

  /// - Parameter saved: leases whose `indexed` was written to the index before this call.
  func trim(_ saved: [LaneLease]) async {
    do {
      let copies = try await client.refresh(alias)
      guard copies.isWhole else {
        log.debug("nothing is trimmed while copies are missing", ["copies": "\(copies)"])
        return
      }
      for lease in saved where lease.indexed > 0 { try await trim(lease) }
    } catch {
      log.debug("trimming is put off", ["error": "\(error)"])
    }
  }

  private func trim(_ lease: LaneLease) async throws {
    for _ in 0..<Self.mostCalls {
      try Task.checkCancellation()
      let count = try await leases.trim(lease, keep: keep)
      metrics.trimmed.add(count)
      if count == 0 { return }
    }
  }
}
