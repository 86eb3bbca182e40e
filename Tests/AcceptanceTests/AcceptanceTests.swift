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
    let installation = try Servers.shared(.stack)
    for server in 0..<2 {
      let deadline = ContinuousClock.now + .seconds(15)
      var reply = try installation.http(server).get("/readyz")
      #expect(reply.status == 200)
      // A server says "degraded" until it has reached every back end once.
      while reply["status"]?.string != "ok", ContinuousClock.now < deadline {
        reply = try installation.http(server).get("/readyz")
      }
      #expect(reply["status"]?.string == "ok", "\(reply)")
    }
  }
}
