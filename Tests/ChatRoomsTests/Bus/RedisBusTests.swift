import Drivers
import Foundation
import RedisTesting
import Testing

@testable import ChatRooms

/// A server of an installation: its client and its bus.
final class BusServer: Sendable {
  let client: RedisClient
  let bus: RedisBus
  let heard = Collected<BusMessage>()

  init(_ url: RedisURL, prefix: String) {
    client = RedisClient(url)
    bus = RedisBus(url, client: client, prefix: prefix)
    bus.onMessage { [heard] in heard.append($0) }
  }

  func start() async -> Bool {
    client.start()
    bus.start()
    return await eventually { client.health.isConnected && bus.isListening }
  }

  func close() {
    bus.close()
    client.close()
  }
}

@Suite(.enabled(if: PrivateRedis.isInstalled, "redis-server is not installed"))
struct RedisBusTests {
  @Test func othersHearInOrderAndTheSpeakerDoesNot() async throws {
    let redis = try #require(try PrivateRedis())
    let (one, two, stranger) = (
      BusServer(redis.url, prefix: "a"), BusServer(redis.url, prefix: "a"), BusServer(redis.url, prefix: "b")
    )
    defer { for server in [one, two, stranger] { server.close() } }
    for server in [one, two, stranger] { #expect(await server.start()) }
    let events = sampleEvents(200, text: String(repeating: "x", count: 10_000))
    one.bus.publish(.events(events))
    one.bus.publish(.everythingChanged)
    #expect(await eventually { two.heard.all.last == .everythingChanged })
    let heard = two.heard.all.flatMap { if case .events(let events) = $0 { events } else { [RoomEvent]() } }
    #expect(heard == events)
    #expect(two.heard.all.count > 2, "long batches travel in pieces")
    #expect(one.heard.all.isEmpty)
    #expect(stranger.heard.all.isEmpty)
  }

  @Test func whatCannotBeUnderstoodIsPassedOver() async throws {
    let redis = try #require(try PrivateRedis())
    let (one, two) = (BusServer(redis.url, prefix: "a"), BusServer(redis.url, prefix: "a"))
    defer { for server in [one, two] { server.close() } }
    for server in [one, two] { #expect(await server.start()) }
    one.client.send(["PUBLISH", "a:bus", "garbage"])
    one.client.send(["PUBLISH", "a:bus", ""])
    one.bus.publish(.roomChanged(3))
    #expect(await eventually { two.heard.all == [.roomChanged(3)] })
  }

  @Test func afterAnOutageServersHearEachOtherAgain() async throws {
    let redis = try #require(try PrivateRedis())
    let (one, two) = (BusServer(redis.url, prefix: "a"), BusServer(redis.url, prefix: "a"))
    let subscribed = Collected<Int>()
    two.bus.onSubscribed { subscribed.append(1) }
    defer { for server in [one, two] { server.close() } }
    for server in [one, two] { #expect(await server.start()) }
    redis.stop()
    #expect(await eventually { !one.client.health.isConnected })
    one.bus.publish(.roomChanged(1))
    try redis.start()
    #expect(await eventually { subscribed.all.count == 2 && one.client.health.isConnected })
    #expect(
      await eventually {
        one.bus.publish(.roomChanged(2))
        return two.heard.all.contains(.roomChanged(2))
      })
    #expect(!two.heard.all.contains(.roomChanged(1)))
  }
}
