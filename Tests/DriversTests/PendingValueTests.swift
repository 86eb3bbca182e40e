import Foundation
import Testing

@testable import Drivers

@Suite(.timeLimit(.minutes(1))) struct PendingValueTests {
  @Test func aValueIsThereForWhoCameBeforeAndForWhoComesLater() async {
    let pending = PendingValue<Int>()
    await withTaskGroup(of: Int.self) { group in
      for _ in 0..<10 { group.addTask { await pending.value } }
      group.addTask {
        pending.give(7)
        return 7
      }
      for await value in group { #expect(value == 7) }
    }
    #expect(await pending.value == 7)
  }

  @Test func theFirstValueCounts() async {
    let pending = PendingValue<Int>()
    pending.give(1)
    pending.give(2)
    #expect(await pending.value == 1)
  }
}

@Suite struct ArrivalsTests {
  @Test func itCallsOnceWhenAllHaveCome() {
    let calls = Calls()
    let arrivals = Arrivals(2) { calls.add() }
    arrivals.arrive()
    #expect(calls.count == 0)
    for _ in 0..<3 { arrivals.arrive() }
    arrivals.finish()
    #expect(calls.count == 1)
  }

  @Test func itCallsAtOnceWhereTheOthersAreNeedless() {
    let calls = Calls()
    let arrivals = Arrivals(9) { calls.add() }
    arrivals.finish()
    arrivals.arrive()
    #expect(calls.count == 1)
  }

  private final class Calls: @unchecked Sendable {
    private let lock = NSLock()
    private var made = 0

    var count: Int { lock.withLock { made } }
    func add() { lock.withLock { made += 1 } }
  }
}
