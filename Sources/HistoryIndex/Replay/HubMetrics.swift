import Drivers

/// What the hub counts.
struct HubMetrics: Sendable {
  let joins: Counter
  let tailHits: Counter
  let loads: Counter
  let failedLoads: Counter
  let events: Counter
  let fetched: Counter
  let skippedLanes: Counter

  init(_ metrics: Metrics) {
    joins = metrics.counter("palaver_joins_total", "Joins of rooms.")
    tailHits = metrics.counter("palaver_join_tail_hits_total", "Joins answered from a tail in memory.")
    loads = metrics.counter("palaver_tail_loads_total", "Reads of a room's tail.", ["result": "ok"])
    failedLoads = metrics.counter("palaver_tail_loads_total", "Reads of a room's tail.", ["result": "failed"])
    events = metrics.counter("palaver_events_total", "Events that reached this server, of all lanes.")
    fetched = metrics.counter("palaver_events_fetched_total", "Events read from the journal to fill a gap.")
    skippedLanes = metrics.counter("palaver_lanes_skipped_total", "Lanes that were too far behind and were skipped.")
  }
}
