import Foundation
import TestSupport
import Testing

/// Nothing acknowledged is lost, doubled or out of order, whatever breaks.
///
/// Needs `PALAVER_TEST_ELASTICSEARCH`, and the binaries of MariaDB and Redis, of which it starts its own.
/// `PALAVER_FAULT_SEED` replays a schedule, `PALAVER_FAULT_MINUTES` makes the run long (`make soak`).
@Suite(
  .serialized,
  .enabled(
    if: PrivateBackends.areAvailable, "PALAVER_TEST_ELASTICSEARCH is not set, or MariaDB or Redis is not installed"))
struct FaultTests {
  private static func number(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
  }

  @Test func nothingAcknowledgedIsLostDoubledOrOutOfOrder() async throws {
    var plan = FaultRun.Plan(seed: Self.number("PALAVER_FAULT_SEED") ?? UInt64.random(in: 1...999_999))
    if let minutes = Self.number("PALAVER_FAULT_MINUTES") { plan.time = RunTime(minutes) * 60_000 }
    if let rounds = Self.number("PALAVER_FAULT_ROUNDS") { plan.rounds = Int(rounds) }
    let outcome = try await onOwnThread { [plan] in
      let shape = FaultyStack.Shape(indexers: 2, ownsElasticsearch: PrivateBackends.canStartElasticsearch)
      let stack = try FaultyStack(shape: shape)
      defer { stack.remove() }
      return try FaultRun(plan, stack: stack) { FileHandle.standardError.write(Data("\($0)\n".utf8)) }.run()
    }
    print(outcome)
    #expect(outcome.isClean, "\(outcome)")
  }
}
