import Testing

@testable import HistoryIndex

@Suite struct SubmissionLimitTests {
  @Test func aBlockHoldsTheLongestJoin() { #expect(HistoryLimits.block >= HistoryLimits.join.upperBound) }
}
