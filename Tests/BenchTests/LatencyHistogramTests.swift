import Drivers
import Testing

@testable import Bench

@Suite struct LatencyHistogramTests {
  @Test func aQuantileIsWithinOnePercentOfTheTrueOne() {
    var random = SplitMix64(seed: 7)
    var histogram = LatencyHistogram()
    // From tens of nanoseconds to minutes, all orders of magnitude alike.
    let values = (0..<20_000).map { _ in
      Int64(
        Double(10) * Double.random(in: 1...10_000, using: &random) * Double.random(in: 1...1_000_000, using: &random))
    }
    for value in values { histogram.record(value) }
    let sorted = values.sorted()
    for share in [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999] {
      let exact = Double(sorted[Int((share * Double(sorted.count)).rounded(.up)) - 1])
      #expect(abs(Double(histogram.quantile(share)) - exact) <= exact * 0.01, "\(share)")
    }
    #expect(histogram.maximum == sorted.last)
    #expect(histogram.quantile(1) == sorted.last)
    #expect(histogram.count == 20_000)
  }

  @Test func everyBucketHoldsItsOwnValues() {
    var value: Int64 = 1
    while value < 1 << 41 {
      for near in [value - 1, value, value + 1] {
        var histogram = LatencyHistogram()
        histogram.record(near)
        #expect(histogram.quantile(0.5) == near)
      }
      value = value * 17 / 16 + 1
    }
  }

  @Test func anEmptyOneHasNoLatencyAndASenselessValueDoesNoHarm() {
    var histogram = LatencyHistogram()
    #expect(histogram.quantile(0.5) == 0 && histogram.maximum == 0 && histogram.mean == 0)
    histogram.record(-5)
    histogram.record(.max)
    #expect(histogram.quantile(-1) == 0)
    #expect(histogram.quantile(2) == 1 << 42)
  }

  @Test func twoAddedAreAsOneWithAllValues() {
    var (left, right, both) = (LatencyHistogram(), LatencyHistogram(), LatencyHistogram())
    for value in Int64(0)..<1_000 {
      if value % 3 == 0 { left.record(value * value) } else { right.record(value * value) }
      both.record(value * value)
    }
    left.add(right)
    #expect(left == both)
  }

  @Test func aLatencyCountsFromTheIntendedMoment() {
    let measure = Measure("ack", askedRate: 10)
    measure.begin(MeasuredSpan(start: 100, end: 200))
    measure.record(intended: 99, now: 150)
    measure.record(intended: 100, now: 190)
    measure.record(intended: 199, now: 900)
    measure.record(intended: 200, now: 210)
    // The warm-up's operation is no latency; the one that came late is, and its rate was not reached.
    #expect(measure.result.latencies.count == 2)
    #expect(measure.result.latencies.maximum == 701)
    #expect(measure.finishedInSpan == 2)
  }
}
