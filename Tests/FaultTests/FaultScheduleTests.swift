import Testing

@Suite struct FaultScheduleTests {
  private func rounds(seed: UInt64, count: Int) -> [FaultSchedule.Round] {
    var schedule = FaultSchedule(seed: seed, shape: .init(indexers: 2, ownsElasticsearch: true))
    return (0..<count).map { _ in schedule.nextRound() }
  }

  @Test func aSeedReplaysItsRounds() {
    #expect(rounds(seed: 7, count: 50) == rounds(seed: 7, count: 50))
    #expect(rounds(seed: 7, count: 50) != rounds(seed: 8, count: 50))
  }

  @Test func fewRoundsHaveFaultsOfEverySort() {
    let told = rounds(seed: 3, count: 40).flatMap(\.faults).map(\.description).joined(separator: "\n")
    for word in [
      "kill -9 of server", "kill -9 of mariadb", "kill -9 of redis", "flushed",
      "mariadb stopped",
      "redis stopped", "elasticsearch stopped", "kill -9 of elasticsearch", "cut", "half closed", "itemsOverloaded",
      "blocked", "doneSilent", "lanes locked", "wrong way round", "SIGTERM", "kill -9 of all that index",
    ] {
      #expect(told.contains(word), "no \(word)")
    }
  }

  @Test func aRoundIsBounded() {
    for round in rounds(seed: 11, count: 200) {
      #expect((1...2).contains(round.faults.count))
      #expect((0...2_000).contains(round.offset) && (0...1_500).contains(round.calm))
    }
  }
}
