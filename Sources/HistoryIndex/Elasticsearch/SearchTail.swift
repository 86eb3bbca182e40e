import ChatRooms
import Foundation

/// What was acknowledged and is not certainly visible in the index: events behind the lanes' `indexed`, and those that
/// were indexed so short a time ago that the index may not have refreshed.
///
/// Filled when a search begins, with one look at the heads and a read of each lane that has moved, so that a message is
/// in its sender's next search. Emptied by refreshes, once a second while searches come. What it was at the last look is
/// in `known`.
actor SearchTail {
  /// What a search sees.
  struct View: Sendable {
    /// The newest state of each message, by document id.
    let entries: [String: TailEntry]
    let ids: Set<String>
    /// Every message acknowledged with a time up to here is in the index or in `entries`.
    let freshAsOf: Milliseconds

    init(entries: [String: TailEntry] = [:], freshAsOf: Milliseconds = 0) {
      self.entries = entries
      self.freshAsOf = freshAsOf
      ids = Set(entries.keys)
    }
  }

  /// How often the index is asked to refresh so that events can be let go. A time alone does not do: under load the
  /// index's own refresh, every 200 ms, comes seconds late.
  private static let refreshInterval: Duration = .seconds(1)
  /// How often the lanes are looked at for commits under way. It takes their locks for a moment.
  private static let quietInterval: Duration = .milliseconds(100)
  /// How long the lanes are looked at after a search: who has searched once is likely to do it again.
  private static let watch: Duration = .seconds(10)
  /// How old that look may be for a search that does not take it itself, while `run` does.
  private static let quietLife: Duration = .seconds(1)
  /// What the servers' clocks may differ by: times are given by the server that commits.
  private static let clockDifference: Milliseconds = 250

  /// For searches that begin before they have looked.
  nonisolated let known = KnownTail()

  private let journal: any Journal
  private let refresh: @Sendable () async throws -> Void
  private let updates = FlushGroup()
  private var lanes: [Int: TailLane] = [:] { didSet { made = nil } }
  /// Of the lanes as they are.
  private var made: View?
  /// What was taken in last; empty where something has changed since.
  private var taken: [LaneHead] = []
  /// Where the lanes stood at the last look.
  private var lastHeads: [Int64] = []
  private var isLettingGo = false
  private var letGoAt: ContinuousClock.Instant = .now
  private var quietAt: ContinuousClock.Instant = .now
  private var lastUse: ContinuousClock.Instant?
  private var isRunning = false
  /// Every lane has been looked at.
  private var isWhole = false

  /// - Parameter refresh: makes everything that was indexed before visible to searches.
  init(journal: any Journal, refresh: @escaping @Sendable () async throws -> Void) {
    self.journal = journal
    self.refresh = refresh
  }

  /// Everything acknowledged before this call. While the journal or the index does not answer, what was known before,
  /// with the time up to which that is all.
  func current() async -> View {
    lastUse = .now
    let mustLook = !isRunning || ContinuousClock.now >= quietAt + Self.quietLife
    // Searches that come together share a look at the journal.
    try? await updates.join { [self] in try await update(lookingForQuiet: mustLook) }
    return view
  }

  /// As `current()`, where the lanes' heads were read since the search came.
  func current(reaching heads: [LaneHead]) async -> View {
    let isKnown = heads.allSatisfy { $0.head <= lanes[$0.lane]?.read ?? 0 }
    guard isWatched, isKnown else { return await current() }
    lastUse = .now
    return view
  }

  /// Whether the lanes are looked at all the time at the moment.
  var isWatched: Bool { isRunning && isWhole && ContinuousClock.now < quietAt + Self.quietLife }

  /// Looks at the journal while searches come, so that few of them must wait for it, and lets go of what the index
  /// shows; until it is cancelled.
  func run() async {
    isRunning = true
    var due = ContinuousClock.now + Self.refreshInterval
    while !Task.isCancelled {
      try? await Task.sleep(for: Self.quietInterval)
      if known.takeUse() { lastUse = .now }
      guard let lastUse, ContinuousClock.now < lastUse + Self.watch else { continue }
      try? await updates.join { [self] in try await update(lookingForQuiet: true) }
      guard ContinuousClock.now >= due else { continue }
      due = .now + Self.refreshInterval
      await letGo()
    }
  }

  /// Lets go of what the index shows, at most once a second.
  func letGo() async {
    let indexed = lanes.mapValues(\.indexed)
    guard lanes.values.contains(where: \.canLetGo), !isLettingGo, ContinuousClock.now >= letGoAt else { return }
    isLettingGo = true
    defer {
      isLettingGo = false
      letGoAt = .now + Self.refreshInterval
    }
    guard (try? await refresh()) != nil else { return }
    for (lane, position) in indexed { settle(lane, through: position) }
  }

  private var view: View {
    if let made { return made }
    let view = makeView()
    made = view
    return view
  }

  private func makeView() -> View {
    var entries: [String: TailEntry] = [:]
    for lane in lanes.values {
      for event in lane.events { entries[event.id] = event.entry }
    }
    let fresh = isWhole ? lanes.values.map(\.freshAsOf).min() ?? 0 : 0
    return View(entries: entries, freshAsOf: max(0, fresh))
  }

  private func update(lookingForQuiet: Bool) async throws {
    let lookedAt = ContinuousClock.now
    let (start, quiet) = try await lookingForQuiet ? lookForQuiet() : (0, [])
    let heads = try await journal.heads()
    // Where nothing is written, nothing has to be looked at.
    if heads != taken || !quiet.isEmpty || !isRunning { try await take(heads, quiet: quiet, since: start) }
    let positions = heads.map(\.head)
    if isRunning {
      known.set(
        KnownTail.State(view: view, heads: positions, lookedAt: lookedAt, isCalm: positions == lastHeads))
    }
    lastHeads = positions
  }

  private func take(_ heads: [LaneHead], quiet: Set<Int>, since start: Milliseconds) async throws {
    if heads.contains(where: { lanes[$0.lane]?.isUncertain($0) ?? ($0.head > 0) }) {
      // Between what the index certainly shows and what is kept here there may be events.
      try await refresh()
      for head in heads { settle(head.lane, through: head.indexed) }
    }
    for head in heads {
      try await fill(head)
      // What was committed there before is read by now, and what comes later has a later time.
      if quiet.contains(head.lane) { lanes[head.lane]?.settle(start - Self.clockDifference) }
    }
    isWhole = true
    taken = heads
    if !isRunning, lanes.values.contains(where: { $0.hasGap && $0.canLetGo }) { await letGo() }
  }

  private func lookForQuiet() async throws -> (start: Milliseconds, lanes: Set<Int>) {
    guard ContinuousClock.now >= quietAt else { return (0, []) }
    quietAt = .now + Self.quietInterval
    let start = Milliseconds(Date().timeIntervalSince1970 * 1_000)
    return (start, try await journal.quietLanes())
  }

  private func settle(_ number: Int, through position: Int64) {
    taken = []
    lanes[number, default: TailLane(from: position)].show(through: position)
  }

  /// Reads what is new in a lane.
  private func fill(_ head: LaneHead) async throws {
    // Far behind: the newest are kept, so that senders find theirs.
    let after = max(lanes[head.lane]?.read ?? head.indexed, head.head - Int64(TailLane.mostEvents))
    if after < head.head {
      let limit = Int(clamping: head.head - after)
      let events = try await journal.events(lane: head.lane, after: after, limit: limit)
      lanes[head.lane, default: TailLane(from: after)].append(events, after: after)
      // The lane's lock gives times in its order.
      if let last = events.last { lanes[head.lane]?.settle(last.timestamp - 1 - Self.clockDifference) }
    }
    lanes[head.lane, default: TailLane(from: head.indexed)].bound(indexed: head.indexed)
    guard let shown = lanes[head.lane]?.gapToLookUp else { return }
    let oldest = try await journal.events(lane: head.lane, after: shown, limit: 1).first
    lanes[head.lane]?.found(oldestMissing: oldest.map { $0.timestamp - 1 - Self.clockDifference }, after: shown)
  }
}
