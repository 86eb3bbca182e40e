import ChatRooms
import Foundation

/// Up to when a search reflects everything that was acknowledged.
struct IndexFreshness: Sendable {
  /// From a bulk's reply until searches see it: the index's refresh interval, and a refresh that takes its time.
  static let refreshMargin: Milliseconds = 1_000

  let journal: any Journal

  static var now: Milliseconds { Milliseconds(Date().timeIntervalSince1970 * 1_000) }

  /// To be read before the search. `nil` where the journal does not answer, so that nothing can be promised.
  func beforeSearch() async -> Milliseconds? {
    let start = Self.now
    guard let heads = try? await journal.heads() else { return nil }
    var fresh = start - Self.refreshMargin
    for head in heads where head.indexed < head.head {
      guard let oldest = try? await journal.events(lane: head.lane, after: head.indexed, limit: 1).first else {
        return nil
      }
      fresh = min(fresh, oldest.timestamp - Self.refreshMargin)
    }
    return fresh
  }
}
