import Foundation
import Testing

@testable import HistoryIndex

@Suite struct ReadGateTests {
  private final class Gauge: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0
    private(set) var most = 0

    func enter() {
      lock.withLock {
        count += 1
        most = max(most, count)
      }
    }
    func leave() { lock.withLock { count -= 1 } }
  }

  @Test func aThousandReadsPassAFewAtOnce() async throws {
    let gate = ReadGate(width: 8, patience: .seconds(60))
    let gauge = Gauge()
    let passed = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<1_000 {
        group.addTask {
          try await gate.pass {
            gauge.enter()
            defer { gauge.leave() }
            await Task.yield()
            return 1
          }
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(passed == 1_000)
    #expect(gauge.most <= 8)
  }

  @Test func whoWaitsTooLongIsTurnedAwayAndTheTurnIsNotLost() async throws {
    let gate = ReadGate(width: 1, patience: .milliseconds(20))
    await #expect(throws: ReadGate.TimedOut.self) {
      try await gate.pass { try await gate.pass {} }
    }
    #expect(try await gate.pass { 7 } == 7)
  }

  @Test func aCancelledReaderLeavesTheQueue() async throws {
    let gate = ReadGate(width: 1, patience: .seconds(60))
    try await gate.pass {
      await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await gate.pass {} }
        group.cancelAll()
        await #expect(throws: CancellationError.self) { try await group.next() }
      }
    }
    #expect(try await gate.pass { 7 } == 7)
  }
}
