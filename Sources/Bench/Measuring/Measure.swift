/// What was measured of one kind of operation: latencies from the moment at which each was to begin, and failures.
///
/// Counting from the intended moment rather than from the sending keeps a stalled server from hiding its stall: the
/// operations that had to wait behind it are late, and count as late (no "coordinated omission").
final class Measure {
  let name: String
  /// Operations a second that were wanted; `nil` where there is no such number.
  let askedRate: Double?
  private(set) var latencies = LatencyHistogram()
  /// How often each error came.
  private(set) var failures: [String: Int64] = [:]
  /// Operations that ended within the span, whenever they began.
  private(set) var finishedInSpan: Int64 = 0
  private var span = MeasuredSpan(start: .max, end: .max)

  init(_ name: String, askedRate: Double? = nil) {
    self.name = name
    self.askedRate = askedRate
  }

  /// Nothing counts before.
  func begin(_ span: MeasuredSpan) { self.span = span }

  /// An operation that was to begin at `intended` succeeded at `now`.
  func record(intended: Int64, now: Int64) {
    if span.contains(now) { finishedInSpan += 1 }
    if span.contains(intended) { latencies.record(now - intended) }
  }

  /// Errors count from the beginning: those of the warm-up are errors too.
  func fail(_ kind: String, times count: Int64 = 1) {
    if count > 0 { failures[kind, default: 0] += count }
  }

  var result: MeasureResult {
    MeasureResult(
      name: name, askedRate: askedRate, reachedRate: span.seconds > 0 ? Double(finishedInSpan) / span.seconds : 0,
      latencies: latencies, failures: failures)
  }
}

/// A measure when all is over.
public struct MeasureResult: Sendable {
  public var name: String
  /// Operations a second that were wanted.
  public var askedRate: Double?
  /// Operations a second that succeeded while the load lasted.
  public var reachedRate: Double
  /// In nanoseconds.
  public var latencies: LatencyHistogram
  public var failures: [String: Int64]
}
