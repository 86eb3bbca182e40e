import Foundation
import TestSupport
import Testing

extension StackTests {
  /// The proof can fail: a run on real back ends finds what a broken part of the product would have done.
  @Suite(.serialized) struct PlantedBreachTests {
    private func verdict(_ sabotage: FaultRun.Sabotage) async throws -> Verdict {
      var plan = FaultRun.Plan(seed: 1)
      plan.style = .rollingRestarts
      plan.rounds = 1
      plan.clients = 6
      plan.journalAge = 3_600_000
      plan.sabotage = sabotage
      return try await SharedStack.use { [plan] stack in
        try FaultRun(plan, stack: stack) { _ in }.run().verdict
      }
    }

    @Test func cursorsThatMoveTooEarlyAreFound() async throws {
      let verdict = try await verdict(.moveCursors)
      #expect(verdict.broken == [.indexed] || verdict.broken == [.indexed, .indexTrue], "\(verdict)")
    }

    @Test func documentsOfAnotherTextAreFound() async throws {
      let verdict = try await verdict(.replaceDocuments)
      #expect(verdict.broken == [.indexTrue], "\(verdict)")
    }
  }
}
