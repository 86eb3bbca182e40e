import Drivers
import Foundation
import TestSupport
import Testing

/// Indexers that die or sleep, among others.
@Suite(
  .serialized,
  .enabled(
    if: PrivateBackends.areAvailable, "PALAVER_TEST_ELASTICSEARCH is not set, or MariaDB or Redis is not installed"))
struct IndexerFailoverTests {
  /// How many indexers hold lanes whose leases have not ended, and how many lanes those are.
  private static func holdings(_ stack: FaultyStack) throws -> (owners: Int, lanes: Int) {
    let sql = "SELECT COUNT(DISTINCT owner), COUNT(*) FROM lane_leases WHERE expires_at > NOW(3)"
    let numbers = try stack.backends.mariadb(sql).split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    guard numbers.count == 2 else { throw TestSupportError("no leases") }
    return (numbers[0], numbers[1])
  }

  @Test func lanesAreTakenOverWithinFifteenSecondsAndASleeperIsFencedOff() async throws {
    try await onOwnThread {
      let stack = try FaultyStack(shape: .init(indexers: 2))
      defer { stack.remove() }
      try stack.makeUser("ann")
      let room = try stack.makeRoom()
      try stack.wait("three indexers share the lanes", seconds: 60) { try Self.holdings(stack) == (3, 16) }

      stack.kill(2)
      let start = ContinuousClock.now
      try stack.fill(room, 1...20)
      try stack.wait("two have all the lanes", seconds: 30) { try Self.holdings(stack) == (2, 16) }
      let time = ContinuousClock.now - start
      #expect(time < .seconds(15), "\(time)")
      try stack.waitUntilIndexed()

      // Its leases end while it sleeps in the middle of its work.
      try stack.fill(room, 21...40)
      stack.server(3).process?.signal(SIGSTOP)
      try stack.fill(room, 41...60)
      try stack.wait("one has all the lanes", seconds: 30) { try Self.holdings(stack) == (1, 16) }
      let reply = try stack.http(0).request(
        "PATCH", "/v1/chatrooms/\(room)/messages/30?user=ann", body: Array(#"{"text": "after the takeover"}"#.utf8))
      #expect(reply.status == 200, "\(reply)")
      try stack.waitUntilIndexed()
      stack.server(3).process?.signal(SIGCONT)
      try stack.wait("it takes part again", seconds: 30) { try Self.holdings(stack) == (2, 16) }
      try stack.fill(room, 61...80)
      try stack.waitUntilIndexed()
      let documents = try FinalState(stack: stack).indexed().filter { $0.room == room }.sorted { $0.seq < $1.seq }
      #expect(documents.map(\.seq) == Array(1...80))
      #expect(documents.dropFirst(29).first?.text == "after the takeover")
    }
  }
}
