import ChatRooms
import Foundation

/// What was acknowledged and is not certainly visible in the index: events behind the lanes' `indexed`, and those that
/// were indexed so short a time ago that the index may not have refreshed.
///
/// Filled when a search begins, with one look at the heads and a read of each lane that has moved, so that a message is
/// in its sender's next search. Emptied by refreshes, once a second while searches come.
actor SearchTail {
  /// What a search sees.
  struct View: Sendable {
    /// The newest state of each message, by document id.
    var entries: [String: TailEntry] = [:]
    /// Every message acknowledged up to here is in the index or in `entries`.
    var freshAsOf: Milliseconds = 0
  }

  private struct Lane {
    /// The index shows everything up to here for certain: a refresh was answered after it was indexed.
    var shown: Int64
    /// What lies between this position and `read` is in `events`.
    var covered: Int64
    var read: Int64
    /// What was indexed when it was last looked at.
    var indexed: Int64
    var events: [(position: Int64, timestamp: Milliseconds, id: String, entry: TailEntry)] = []

    init(from position: Int64) {
      shown = position
      covered = position
      read = position
      indexed = position
    }
  }

  /// How often the index is asked to refresh so that events can be let go. A time alone does not do: under load the
  /// index's own refresh, every 200 ms, comes seconds late.
  private static let refreshInterval: Duration = .seconds(1)
  /// Events kept of a lane whose indexer is behind.
  private static let mostEvents = 2_000

  private let journal: any Journal
  private let refresh: @Sendable () async throws -> Void
  private var lanes: [Int: Lane] = [:]
  private var freshAsOf: Milliseconds = 0
  private var isLettingGo = false
  private var letGoAt: ContinuousClock.Instant = .now

  /// - Parameter refresh: makes everything that was indexed before visible to searches.
  init(journal: any Journal, refresh: @escaping @Sendable () async throws -> Void) {
    self.journal = journal
    self.refresh = refresh
  }

  /// Everything acknowledged before this call. While the journal or the index does not answer, what was known before.
  func current() async -> View {
    let start = Milliseconds(Date().timeIntervalSince1970 * 1_000)
    guard let heads = try? await journal.heads() else { return view }
    if heads.contains(where: isUncertain) {
      guard (try? await refresh()) != nil else { return view }
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

  /// Lets go of what the index shows, once a second. To be called beside a search, which need not wait for it.
  func letGo() async {
    let indexed = lanes.mapValues(\.indexed)
    let isDue = lanes.values.contains { ($0.events.first?.position ?? .max) <= $0.indexed }
    guard isDue, !isLettingGo, ContinuousClock.now >= letGoAt else { return }
    isLettingGo = true
    defer {
      isLettingGo = false
      letGoAt = .now + Self.refreshInterval
    }
    guard (try? await refresh()) != nil else { return }
    for (lane, position) in indexed { settle(lane, through: position) }
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
    lane.shown = max(lane.shown, position)
    lane.covered = max(lane.covered, position)
    lane.read = max(lane.read, position)
    lanes[number] = lane
  }

  /// Reads what is new in a lane.
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
    bound(head)
    guard let lane = lanes[head.lane], lane.covered > lane.shown else { return .max }
    let missing = try await journal.events(lane: head.lane, after: lane.shown, limit: 1).first
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

  private func bound(_ head: LaneHead) {
    guard var lane = lanes[head.lane] else { return }
    lane.indexed = max(lane.indexed, head.indexed)
    let excess = lane.events.count - Self.mostEvents
    if excess > 0 {
      lane.covered = lane.events[excess - 1].position
      lane.events.removeFirst(excess)
    }
    lanes[head.lane] = lane
  }
}
