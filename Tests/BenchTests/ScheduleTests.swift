import Drivers
import Testing

@testable import Bench

@Suite struct ScheduleTests {
  private static let second = NanosecondClock.second

  @Test func arrivalsKeepTheirRateWhateverTheServerDoes() {
    var schedule = ArrivalSchedule(rate: 1_000, from: 0, until: 20 * Self.second, seed: 1)
    var arrivals: [Int64] = []
    // Asked only once, at the very end: what was due is still due, each at its own moment.
    while let arrival = schedule.take(at: 30 * Self.second) { arrivals.append(arrival) }
    #expect((19_000...21_000).contains(arrivals.count))
    #expect(arrivals == arrivals.sorted())
    #expect(arrivals.allSatisfy { (0..<20 * Self.second).contains($0) })
    #expect(schedule.next == .max)
  }

  @Test func nothingIsDueAheadOfItsTime() {
    var schedule = ArrivalSchedule(rate: 10, from: 500, until: .max, seed: 2)
    let first = schedule.next
    #expect(first >= 500)
    #expect(schedule.take(at: first - 1) == nil)
    #expect(schedule.take(at: first) == first)
    #expect(schedule.next >= first)
  }

  @Test func theSameSeedGivesTheSameRun() {
    func texts(_ seed: UInt64) -> [UInt8] {
      var texts = MessageTexts(size: 80, seed: seed)
      var bytes: [UInt8] = []
      for _ in 0..<20 { texts.append(to: &bytes, from: bytes.count) }
      return bytes
    }
    #expect(texts(5) == texts(5))
    #expect(texts(5) != texts(6))
    #expect(texts(5).count == 20 * 80)
  }

  @Test func searchedWordsAreWholeWordsOfWhatWasStored() {
    var random = SplitMix64(seed: 1)
    var words = SentWords()
    words.add(from: Array("12 bacedi fo... probe7x1 ".utf8)[...], of: 12, using: &random)
    words.add(from: Array("13 hajeki".utf8)[...], of: 13, using: &random)
    let drawn = Set((0..<50).compactMap { _ in words.draw(using: &random) }.map { String(decoding: $0, as: UTF8.self) })
    #expect(drawn == ["bacedi", "hajeki"])
    words.remove(of: 12)
    #expect(words.draw(using: &random).map { String(decoding: $0, as: UTF8.self) } == "hajeki")
    words.remove(of: 13)
    #expect(words.draw(using: &random) == nil)
  }

  @Test func aReportWithABreachOrWithoutAFigureIsNotGood() {
    var latencies = LatencyHistogram()
    latencies.record(1_500_000)
    let measure = MeasureResult(
      name: "ack", askedRate: 10, reachedRate: 9.5, latencies: latencies, failures: ["rate_limited": 2])
    var report = BenchReport(
      workload: .send, load: "1 sender", seconds: 1, measures: [measure], figures: [], checked: [("deliveries", 1)],
      breachCounts: [:], breaches: [])
    #expect(report.isGood)
    #expect(report.table.contains("--send-rate"))
    #expect(report.table.contains("nothing lost"))
    report.breachCounts = [.lost: 1]
    report.breaches = [Breach(.lost, "room 3: event 5 where 4 was due")]
    #expect(!report.isGood)
    #expect(report.table.contains("room 3: event 5"))
    #expect(report.json.contains(#""breaches":{"lost":1}"#))
    report.breachCounts = [:]
    report.measures = []
    #expect(!report.isGood)
  }
}
