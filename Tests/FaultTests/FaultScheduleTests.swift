import Testing

@Suite struct FaultScheduleTests {
  private func rounds(seed: UInt64, count: Int) -> [FaultSchedule.Round] {
    var schedule = FaultSchedule(seed: seed)
    return (0..<count).map { _ in schedule.nextRound() }
  }

  @Test func aSeedReplaysItsRounds() {
    #expect(rounds(seed: 7, count: 50) == rounds(seed: 7, count: 50))
    #expect(rounds(seed: 7, count: 50) != rounds(seed: 8, count: 50))
  }

  @Test func twentyRoundsHaveFaultsOfEverySort() {
    let told = rounds(seed: 3, count: 20).flatMap(\.faults).map(\.description).joined(separator: "\n")
    for word in [
      "kill -9 of server", "kill -9 of mariadb", "kill -9 of redis", "flushed", "stopped", "cut", "Elasticsearch",
    ] {
      #expect(told.contains(word), "no \(word)")
    }
  }

  @Test func aRoundIsBounded() {
    for round in rounds(seed: 11, count: 200) {
      #expect((1...2).contains(round.faults.count))
      #expect((0...1_500).contains(round.offset) && (0...1_500).contains(round.calm))
    }
  }
}
