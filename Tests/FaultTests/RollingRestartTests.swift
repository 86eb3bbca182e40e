import Foundation
import TestSupport
import Testing

extension StackTests {
  /// Servers are told to stop, one after the other, while everybody chats.
  @Suite(.serialized) struct RollingRestartTests {
    @Test func nobodyIsToldMoreThanByeAndNothingIsLostOrDoubled() async throws {
      var plan = FaultRun.Plan(seed: 2)
      plan.style = .rollingRestarts
      plan.rounds = 4
      let outcome = try await SharedStack.use { [plan] stack in
        try FaultRun(plan, stack: stack) { _ in }.run()
      }
      print(outcome)
      #expect(outcome.isClean, "\(outcome)")
      let unexpected = outcome.ends.filter { end in
        !["bye", "close(code: 1001", "the client went away", ChatClient.notConnected].contains { end.contains($0) }
      }
      #expect(unexpected.isEmpty, "\(unexpected)")
      #expect(outcome.ends.contains { $0.contains("bye") || $0.contains("1001") }, "\(outcome.ends)")
      // An edit may meet another client's deletion, and a request a server that stops: 503 and when to come again.
      let errors = outcome.errors.filter { $0.key != "message_not_found" && !$0.key.hasPrefix("HTTP ") }
      #expect(errors.isEmpty, "\(errors)")
    }
  }
}
