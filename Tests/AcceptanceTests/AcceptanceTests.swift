import TestSupport
import Testing

/// Palaver from outside, as its clients see it: every promise of the API, on each profile.
///
/// The stack profile needs `PALAVER_TEST_MYSQL`, `PALAVER_TEST_REDIS` and `PALAVER_TEST_ELASTICSEARCH`, which
/// `scripts/test-stack` sets. The tests run one after the other: a machine with two cores is full with one of them.
@Suite(.serialized, .sharedServers, .ownThread)
struct AcceptanceTests {
  /// Says aloud that half of the tests did not run.
  @Test(
    .enabled(
      if: StackEnvironment.isAvailable,
      "PALAVER_TEST_MYSQL, PALAVER_TEST_REDIS or PALAVER_TEST_ELASTICSEARCH is not set: embedded profile only. Run: make test"
    ))
  func theStackProfileIsTested() throws {
    let replies = try (0..<2).map { try Servers.shared(.stack).http($0).get("/readyz") }
    for reply in replies { #expect(reply.status == 200 && reply["status"]?.string == "ok", "\(reply)") }
  }
}
