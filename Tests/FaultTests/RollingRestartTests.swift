import Foundation
import TestSupport
import Testing

/// Servers are told to stop, one after the other, while everybody chats.
@Suite(
  .serialized,
  .enabled(
    if: PrivateBackends.areAvailable, "PALAVER_TEST_ELASTICSEARCH is not set, or MariaDB or Redis is not installed"))
struct RollingRestartTests {
  @Test func nobodyIsToldMoreThanByeAndNothingIsLostOrDoubled() async throws {
    var plan = FaultRun.Plan(seed: 2)
    plan.style = .rollingRestarts
    plan.rounds = 4
    let outcome = try await onOwnThread { [plan] in
      let stack = try FaultyStack()
      defer { stack.remove() }
      return try FaultRun(plan, stack: stack) { _ in }.run()
    }
    print(outcome)
    #expect(outcome.isClean, "\(outcome)")
    let unexpected = outcome.ends.filter { end in
      !["bye", "close(code: 1001", "the client went away", ChatClient.notConnected].contains { end.contains($0) }
    }
    #expect(unexpected.isEmpty, "\(unexpected)")
    #expect(outcome.ends.contains { $0.contains("bye") || $0.contains("1001") }, "\(outcome.ends)")
    #expect(outcome.errors.isEmpty, "\(outcome.errors)")
  }
}
