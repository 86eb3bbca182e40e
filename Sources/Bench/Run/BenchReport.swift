/// What came of a run.
public struct BenchReport: Sendable {
  public var workload: BenchWorkload
  /// The load in words.
  public var load: String
  /// Seconds that were measured.
  public var seconds: Double
  public var measures: [MeasureResult]
  /// Other figures: name, value, unit.
  public var figures: [BenchFigure]
  /// How many deliveries, pages and acknowledgements were compared with what they must be.
  public var checked: [(name: String, count: Int64)]
  public var breachCounts: [Breach.Kind: Int64]
  /// The first of them.
  public var breaches: [Breach]

  /// Whether all that was checked was right, and something was measured at all.
  public var isGood: Bool { breachCounts.isEmpty && measures.contains { $0.latencies.count > 0 } }
}

/// A single figure of a report.
public struct BenchFigure: Sendable {
  /// As a member of JSON.
  public var name: String
  public var value: Double
  /// How it is called in the table, with the unit.
  public var title: String
}
