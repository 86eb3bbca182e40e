import Drivers

/// What the hub counts.
struct HubMetrics: Sendable {
  let joins: Counter
  let tailHits: Counter
  let waits: Counter
  private let resumesComplete: Counter
  private let resumesIncomplete: Counter
  private let resumesReset: Counter
  let loads: Counter
  let failedLoads: Counter
  let events: Counter
  let fetched: Counter
  let skippedLanes: Counter
  /// Bytes.
  let tailMemory = Level()

  init(_ metrics: Metrics) {
    joins = metrics.counter("palaver_joins_total", "Joins of rooms.")
    tailHits = HistorySource.memory.counter(in: metrics)
    waits = metrics.counter("palaver_join_waits_total", "Joins that waited for a read which another had begun.")
    let resumes = ("palaver_resumes_total", "Joins with a position: continued, too far behind, or of another history.")
    resumesComplete = metrics.counter(resumes.0, resumes.1, ["result": "complete"])
    resumesIncomplete = metrics.counter(resumes.0, resumes.1, ["result": "incomplete"])
    resumesReset = metrics.counter(resumes.0, resumes.1, ["result": "reset"])
    loads = metrics.counter("palaver_tail_loads_total", "Reads of a room's tail.", ["result": "ok"])
    failedLoads = metrics.counter("palaver_tail_loads_total", "Reads of a room's tail.", ["result": "failed"])
    events = metrics.counter("palaver_events_total", "Events that reached this server, of all lanes.")
    fetched = metrics.counter("palaver_events_fetched_total", "Events read from the journal to fill a gap.")
    skippedLanes = metrics.counter("palaver_lanes_skipped_total", "Lanes that were too far behind and were skipped.")
    metrics.gauge(Self.memory.name, Self.memory.help, ["part": "tails"]) { [tailMemory] in Double(tailMemory.value) }
  }

  private static let memory = (
    name: "palaver_rooms_memory_bytes", help: "Bytes of messages in memory, for joins and for pages."
  )

  /// Shows what the windows hold.
  func show(_ windows: RoomWindows, in metrics: Metrics) {
    metrics.gauge(Self.memory.name, Self.memory.help, ["part": "pages"]) { Double(windows.byteCount) }
  }

  func joined(_ state: JoinState) {
    guard state.since != nil else { return }
    let counter = state.isReset ? resumesReset : state.isComplete ? resumesComplete : resumesIncomplete
    counter.add()
  }
}
