import Drivers
import Foundation
import RedisTesting
import Testing

@testable import ChatRooms

@Suite struct LocalPresenceTests {
  @Test func aUserIsThereUntilTheLastConnectionIsGone() async {
    let presence = LocalPresence()
    for user in ["b", "a", "b", "B", "é"] { await presence.enter(room: 1, user: user) }
    #expect(await presence.users(in: 1) == ["B", "a", "b", "é"])
    presence.leave(room: 1, user: "b")
    #expect(await presence.counts(in: [1, 2, 1]) == [1: 4, 2: 0])
    presence.leave(room: 1, user: "b")
    presence.leave(room: 1, user: "nobody")
    presence.leave(room: 2, user: "a")
    #expect(await presence.users(in: 1) == ["B", "a", "é"])
    #expect(await presence.users(in: 2) == [])
  }
}

private final class Changes: @unchecked Sendable {
  private let lock = NSLock()
  private var seen: [String] = []

  var all: [String] { lock.withLock { seen } }
  func add(_ more: [String]) { lock.withLock { seen += more } }
}

/// Servers of one installation, with leases short enough to watch them end.
@Suite(.enabled(if: PrivateRedis.isInstalled, "redis-server is not installed"))
struct RedisPresenceTests {
  private final class Server: Sendable {
    let client: RedisClient
    let presence: RedisPresence
    private let changes = Changes()

    /// Who this server was told to be gone: room and user.
    var gone: [String] { changes.all }

    init(_ url: RedisURL, _ name: String, timing: RedisPresence.Timing) async {
      client = RedisClient(url)
      presence = RedisPresence(client: client, prefix: "t", server: name, timing: timing)
      presence.onChange { [changes] room, users, arePresent in
        if !arePresent { changes.add(users.map { "\(room) \($0)" }) }
      }
      client.start()
      presence.start()
      _ = await eventually { client.health.isConnected }
    }

    deinit {
      presence.close()
      client.close()
    }
  }

  private static let short = RedisPresence.Timing(lease: 1_500, renewal: 60)
  private static let long = RedisPresence.Timing()

  @Test func serversSeeEachOthersUsersAtOnce() async throws {
    let redis = try #require(try PrivateRedis())
    let one = await Server(redis.url, "one", timing: Self.long)
    let two = await Server(redis.url, "two", timing: Self.long)
    await one.presence.enter(room: 1, user: "Ann")
    await two.presence.enter(room: 1, user: "Ann")
    await two.presence.enter(room: 1, user: "Bob")
    await two.presence.enter(room: 2, user: "Bob")
    for server in [one, two] {
      #expect(await eventually { await server.presence.users(in: 1) == ["Ann", "Bob"] })
      #expect(await eventually { await server.presence.counts(in: [1, 2, 3]) == [1: 2, 2: 1, 3: 0] })
    }
    two.presence.leave(room: 1, user: "Ann")
    two.presence.leave(room: 1, user: "Bob")
    #expect(await eventually { await two.presence.users(in: 1) == ["Ann"] })
    #expect(await eventually { await one.presence.users(in: 1) == ["Ann"] })
    two.presence.leave(room: 2, user: "Bob")
    one.presence.leave(room: 1, user: "Ann")
    #expect(try await eventually { try await one.client.ask(["DBSIZE"]) == .integer(0) }, "nothing is left behind")
  }

  @Test func leasesAreRenewedAndThoseOfACrashedServerEnd() async throws {
    let redis = try #require(try PrivateRedis())
    let one = await Server(redis.url, "one", timing: Self.short)
    let two = await Server(redis.url, "two", timing: Self.short)
    await one.presence.enter(room: 1, user: "Ann")
    await two.presence.enter(room: 1, user: "Bob")
    two.presence.close()
    #expect(await eventually { await one.presence.users(in: 1) == ["Ann"] })
    #expect(
      await eventually { await two.presence.users(in: 1) == ["Ann", "Bob"] }, "one's lease was renewed meanwhile")
  }

  /// One server wins, and tells; a user who is connected elsewhere too is named, and the room's list says that.
  @Test func whoWasOnACrashedServerIsToldToOneOther() async throws {
    let redis = try #require(try PrivateRedis())
    let servers = [
      await Server(redis.url, "one", timing: Self.short), await Server(redis.url, "three", timing: Self.short),
    ]
    let two = await Server(redis.url, "two", timing: Self.short)
    for server in servers { await server.presence.enter(room: 1, user: "Ann") }
    for user in ["Ann", "Bob"] { await two.presence.enter(room: 1, user: user) }
    two.presence.close()
    #expect(await eventually { servers.contains { $0.gone.contains("1 Bob") } })
    #expect(await eventually { await servers[0].presence.users(in: 1) == ["Ann"] })
    #expect(servers.flatMap(\.gone).filter { $0 == "1 Bob" }.count == 1)
    for server in servers { server.presence.leave(room: 1, user: "Ann") }
    #expect(
      try await eventually { try await servers[0].client.ask(["DBSIZE"]) == .integer(0) }, "nothing is left behind")
  }

  @Test func whatRedisLosesComesBack() async throws {
    let redis = try #require(try PrivateRedis())
    let one = await Server(redis.url, "one", timing: Self.short)
    let two = await Server(redis.url, "two", timing: Self.short)
    for number in 0..<2_500 { await one.presence.enter(room: 1, user: "user\(number)") }
    #expect(await eventually { await two.presence.users(in: 1).count == 2_500 })
    _ = try await two.client.ask(["FLUSHALL"])
    #expect(await eventually { await two.presence.users(in: 1).count == 2_500 })
    _ = try await two.client.ask(["SREM", "t:presence:1:one", "user7"])
    #expect(await eventually { await two.presence.users(in: 1).count == 2_500 })
  }

  @Test func withoutRedisTheServersOwnUsersAreKnown() async throws {
    let redis = try #require(try PrivateRedis())
    let one = await Server(redis.url, "one", timing: Self.long)
    let two = await Server(redis.url, "two", timing: Self.long)
    await one.presence.enter(room: 1, user: "Ann")
    await two.presence.enter(room: 1, user: "Bob")
    redis.stop()
    #expect(await eventually { !one.client.health.isConnected })
    await one.presence.enter(room: 1, user: "Cem")
    #expect(await one.presence.users(in: 1) == ["Ann", "Cem"])
    #expect(await one.presence.counts(in: [1]) == [1: 2])
    one.presence.leave(room: 1, user: "Ann")
    try redis.start()
    for server in [one, two] { #expect(await eventually { await server.presence.users(in: 1) == ["Bob", "Cem"] }) }
  }

  @Test func renewalsThatFailHoldNobodyUp() async throws {
    let redis = try #require(try PrivateRedis())
    let one = await Server(redis.url, "one", timing: Self.short)
    await one.presence.enter(room: 1, user: "Ann")
    redis.stop()
    #expect(await eventually { !one.client.health.isConnected })
    // Renewals come every 60 ms meanwhile.
    let end = ContinuousClock.now + .milliseconds(400)
    while ContinuousClock.now < end {
      await one.presence.enter(room: 1, user: "Bob")
      one.presence.leave(room: 1, user: "Bob")
    }
    #expect(await one.presence.users(in: 1) == ["Ann"])
  }

  @Test func enteringDoesNotWaitForARedisThatHangs() async throws {
    let redis = try #require(try PrivateRedis())
    let one = await Server(redis.url, "one", timing: Self.long)
    redis.pause()
    defer { redis.resume() }
    await one.presence.enter(room: 1, user: "Ann")
    #expect(await one.presence.users(in: 1) == ["Ann"])
  }
}
