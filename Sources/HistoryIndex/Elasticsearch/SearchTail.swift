import ChatRooms
import Foundation

/// What was acknowledged and is not certainly visible in the index: events behind the lanes' `indexed`, and those that
/// were indexed so short a time ago that the index may not have refreshed.
///
/// Filled when a search begins, with one look at the heads and a read of each lane that has moved, so that a message is
/// in its sender's next search.
actor SearchTail {
  /// What a search sees.
  struct View: Sendable {
    /// The newest state of each message, by document id.
    var entries: [String: TailEntry] = [:]
    /// Every message acknowledged up to here is in the index or in `entries`.
    var freshAsOf: Milliseconds = 0
  }

  private struct Lane {
    /// Events behind this position are in `events`, or need no place there.
    var covered: Int64
    var read: Int64
    /// What was indexed when it was looked at, rising; the index shows it `settling` later.
    var marks: [(at: ContinuousClock.Instant, indexed: Int64)] = []
    var events: [(position: Int64, timestamp: Milliseconds, id: String, entry: TailEntry)] = []

    init(from position: Int64) {
      covered = position
      read = position
    }
  }

  /// From a bulk's reply until every search sees its documents: several refresh intervals of 200 ms.
  private static let settling: Duration = .seconds(1)
  /// Events kept of a lane whose indexer is behind.
  private static let mostEvents = 2_000

  private let journal: any Journal
  private let refresh: @Sendable () async throws -> Void
  private var lanes: [Int: Lane] = [:]
  private var freshAsOf: Milliseconds = 0

  /// - Parameter refresh: makes everything that was indexed before visible to searches.
  init(journal: any Journal, refresh: @escaping @Sendable () async throws -> Void) {
    self.journal = journal
    self.refresh = refresh
  }

  /// Everything acknowledged before this call. While the journal does not answer, what was known before.
  ///
  /// - Throws: where the index does not answer.
  func current() async throws -> View {
    let start = Milliseconds(Date().timeIntervalSince1970 * 1_000)
    guard let heads = try? await journal.heads() else { return view }
    if heads.contains(where: isUncertain) {
      try await refresh()
      for head in heads { settle(head.lane, through: head.indexed) }
    }
    var fresh = start
    for head in heads {
      guard let oldestMissing = try? await fill(head) else { return view }
      fresh = min(fresh, oldestMissing)
    }
    freshAsOf = max(freshAsOf, fresh)
    var view = view
    view.freshAsOf = fresh
    return view
  }

  private var view: View {
    var entries: [String: TailEntry] = [:]
    for lane in lanes.values {
      for event in lane.events { entries[event.id] = event.entry }
    }
    return View(entries: entries, freshAsOf: freshAsOf)
  }

  /// Between what the index certainly shows and what is kept here there may be events.
  private func isUncertain(_ head: LaneHead) -> Bool {
    guard let lane = lanes[head.lane] else { return head.head > 0 }
    return lane.read < head.indexed && head.head - lane.read > Int64(Self.mostEvents)
  }

  private func settle(_ number: Int, through position: Int64) {
    var lane = lanes[number] ?? Lane(from: position)
    lane.events.removeAll { $0.position <= position }
    lane.covered = max(lane.covered, position)
    lane.read = max(lane.read, position)
    lanes[number] = lane
  }

  /// Reads what is new in a lane and lets go of what the index shows by now.
  ///
  /// - Returns: the time before which nothing is missing; `.max` if nothing is.
  private func fill(_ head: LaneHead) async throws -> Milliseconds {
    var after = lanes[head.lane]?.read ?? head.indexed
    // Far behind: the newest are kept, so that senders find theirs.
    after = max(after, head.head - Int64(Self.mostEvents))
    if after < head.head {
      let limit = Int(clamping: head.head - after)
      append(try await journal.events(lane: head.lane, after: after, limit: limit), to: head.lane, after: after)
    }
    release(head)
    guard let covered = lanes[head.lane]?.covered, covered > head.indexed else { return .max }
    let missing = try await journal.events(lane: head.lane, after: head.indexed, limit: 1).first
    return missing.map { $0.timestamp - 1 } ?? .max
  }

  /// Several searches may fill at once: what is there already is left out.
  private func append(_ events: [RoomEvent], to number: Int, after: Int64) {
    var lane = lanes[number] ?? Lane(from: after)
    if lane.read < after {
      lane.events = []
      lane.covered = after
      lane.read = after
    }
    for event in events where event.position > lane.read {
      lane.read = event.position
      let message = event.message
      guard MessageDocument.concerns(event) else { continue }
      let id = MessageDocument.id(room: message.room, seq: message.seq)
      lane.events.append((event.position, event.timestamp, id, TailEntry(event)))
    }
    lanes[number] = lane
  }

  private func release(_ head: LaneHead) {
    guard var lane = lanes[head.lane] else { return }
    let now = ContinuousClock.now
    if lane.marks.last?.indexed != head.indexed { lane.marks.append((now, head.indexed)) }
    let shown = lane.marks.last { $0.at + Self.settling <= now }?.indexed ?? 0
    let excess = max(0, lane.events.count - Self.mostEvents)
    if excess > 0 { lane.covered = lane.events[excess - 1].position }
    lane.events.removeFirst(excess)
    lane.events.removeAll { $0.position <= shown }
    lane.covered = max(lane.covered, shown)
    lane.marks.removeAll { $0.indexed < shown }
    lanes[head.lane] = lane
  }
}
