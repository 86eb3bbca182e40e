import Drivers

/// Where the messages of a join or of a page came from.
enum HistorySource: String, Sendable {
  /// A tail in this server's memory.
  case memory
  /// A tail that another server had left.
  case redis
  /// The journal alone.
  case journal
  /// The index, for what the journal no longer has.
  case elasticsearch

  func counter(in metrics: Metrics) -> Counter {
    metrics.counter(
      "palaver_history_reads_total", "Where the messages of joins and pages came from.", ["source": rawValue])
  }
}
