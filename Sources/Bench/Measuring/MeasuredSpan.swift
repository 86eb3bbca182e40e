/// The part of a run that counts: after the warm-up, until the load ends. Nanoseconds of the monotonic clock.
struct MeasuredSpan: Equatable {
  var start: Int64
  var end: Int64

  var seconds: Double { Double(end - start) / Double(NanosecondClock.second) }

  func contains(_ time: Int64) -> Bool { time >= start && time < end }
}
