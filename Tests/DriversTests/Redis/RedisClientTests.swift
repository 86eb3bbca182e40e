import Foundation
import RedisTesting
import Testing

@testable import Drivers

/// Each test starts a `redis-server` of its own, kills it and starts it again.
@Suite(.enabled(if: PrivateRedis.isInstalled, "redis-server is not installed"))
struct RedisClientTests {
  private func connected(_ url: RedisURL) async -> RedisClient {
    let client = RedisClient(url)
    client.start()
    _ = await eventually { (try? await client.command(["PING"])) != nil }
    return client
  }

  @Test func commandsFromManyTasksGetTheirOwnReplies() async throws {
    let redis = try #require(try PrivateRedis())
    let client = await connected(redis.url)
    defer { client.close() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<2_000 {
        group.addTask {
          let reply = try await client.ask(["ECHO", "\(number)"])
          #expect(reply.text == "\(number)")
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func repliesOfEveryShapeAreRead() async throws {
    let redis = try #require(try PrivateRedis())
    let client = await connected(redis.url)
    defer { client.close() }
    #expect(try await client.ask(["GET", "nothing"]) == .null)
    #expect(try await client.ask(["SET", "k", .bytes([0, 255, 13, 10])]) == .status("OK"))
    #expect(try await client.ask(["GET", "k"]) == .bytes([0, 255, 13, 10]))
    #expect(
      try await client.ask(["EVAL", "return {1,{2,{'a'}},false}", 0])
        == .array([.integer(1), .array([.integer(2), .array([.bytes(Array("a".utf8))])]), .null]))
    #expect(try await client.ask(["EVAL", "return {}", 0]) == .array([]))
    await #expect(throws: RedisError.refused("ERR wrong number of arguments for 'get' command")) {
      try await client.ask(["GET"])
    }
    let large = [UInt8](repeating: 7, count: 20 << 20)
    #expect(try await client.command(["ECHO", .bytes(large)], timeout: 10_000).bytes == large)
    let many = try await client.command(
      ["EVAL", "local t={} for i=1,100000 do t[i]=i end return t", 0], timeout: 10_000)
    #expect(many.array?.last == .integer(100_000))
  }

  @Test func aSlowCommandTimesOutInTimeAndTheNextGetsItsOwnReply() async throws {
    let redis = try #require(try PrivateRedis())
    let client = await connected(redis.url)
    defer { client.close() }
    let busyForASecond: [RedisArgument] = [
      "EVAL",
      """
      local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end
      local start = now()
      repeat until now() - start >= 1000
      """, 0,
    ]
    let late = Collected<(result: Result<RedisReply, RedisError>, at: Int64)>()
    let start = MonotonicClock.now
    client.submit(busyForASecond, timeout: 10_000) { _ in }
    // Timed on the client's own thread: test threads may be busy.
    client.submit(["ECHO", "late"], timeout: 20) { late.append(($0, MonotonicClock.now)) }
    #expect(try await client.ask(["ECHO", "next"]).text == "next")
    #expect(late.all.map(\.result) == [.failure(.timeout)])
    #expect((late.all.first?.at ?? .max) - start < 900, "while Redis was still busy")
    #expect(client.health.connections == 1)
  }

  @Test func aServerThatSaysNothingIsGivenUp() async throws {
    let redis = try #require(try PrivateRedis())
    let client = await connected(redis.url)
    defer { client.close() }
    redis.pause()
    await #expect(throws: RedisError.self) { try await client.command(["PING"], timeout: 60_000) }
    #expect(await eventually { !client.health.isConnected })
    redis.resume()
    #expect(await eventually { (try? await client.command(["PING"])) != nil })
    #expect(client.health.connections == 2)
  }

  @Test func withoutAServerCommandsFailAtOnceAndItIsFoundAgain() async throws {
    let redis = try #require(try PrivateRedis())
    let connects = Collected<Int>()
    let client = RedisClient(redis.url)
    client.onConnect { connects.append(1) }
    client.start()
    defer { client.close() }
    #expect(await eventually { client.health.isConnected })
    redis.stop()
    #expect(await eventually { !client.health.isConnected })
    let outcomes = Collected<Result<RedisReply, RedisError>>()
    client.submit(["PING"], timeout: 60_000) { outcomes.append($0) }
    #expect(outcomes.all.count == 1, "it has failed before submit returned")
    await #expect(throws: RedisError.self) { try await client.command(["PING"], timeout: 60_000) }
    #expect(!client.send(["PING"]))
    #expect(client.health.problem != nil)
    try redis.start()
    #expect(await eventually { (try? await client.command(["PING"])) != nil })
    #expect(connects.all.count == 2)
  }

  @Test func scriptsAreFoundAgainAfterTheServerForgotThem() async throws {
    let redis = try #require(try PrivateRedis())
    let client = await connected(redis.url)
    defer { client.close() }
    let script = "return ARGV[1] + #KEYS"
    for forget in [["PING"], ["SCRIPT", "FLUSH"]] as [[RedisArgument]] {
      #expect(try await client.evaluate(script, keys: ["a"], arguments: [41], timeout: 10_000) == .integer(42))
      #expect(try await client.evaluate(script, keys: ["a"], arguments: [41], timeout: 10_000) == .integer(42))
      _ = try await client.command(forget)
    }
    #expect(try await client.evaluate(script, keys: ["a"], arguments: [41], timeout: 10_000) == .integer(42))
    redis.stop()
    try redis.start()
    #expect(await eventually { (try? await client.evaluate(script, keys: ["a"], arguments: [1])) == .integer(2) })
  }

  @Test func aPasswordIsNeeded() async throws {
    let redis = try #require(try PrivateRedis(password: "secret"))
    let client = await connected(redis.url)
    defer { client.close() }
    #expect(try await client.ask(["PING"]) == .status("PONG"))
    var wrong = redis.url
    wrong.password = "other"
    let stranger = RedisClient(wrong)
    stranger.start()
    defer { stranger.close() }
    await stranger.firstAttempt()
    #expect(stranger.health.problem?.contains("WRONGPASS") == true)
  }

  @Test(arguments: [
    "*-7\r\n", "$99999999999999999999\r\n", "?\r\n", "*10000000\r\n", "\0\0\0\0", ":notanumber\r\n",
    String(repeating: "*1\r\n", count: 100) + ":1\r\n", "+OK\r\n+OK\r\n+OK\r\n", "$5\r\nab",
  ])
  func noAnswerBreaksAnything(answer: String) async throws {
    let listener = try LoopbackListener()
    listener.serveOnce(greeting: Array("+PONG\r\n".utf8), answer: Array(answer.utf8))
    let client = RedisClient(RedisURL(host: "127.0.0.1", port: listener.port))
    client.start()
    await client.firstAttempt()
    _ = try? await client.command(["GET", "x"], timeout: 100)
    #expect(await eventually { !client.health.isConnected })
    client.close()
  }
}

@Suite(.enabled(if: PrivateRedis.isInstalled, "redis-server is not installed"))
struct RedisSubscriberTests {
  @Test func itSubscribesAgainAfterTheServerWasAway() async throws {
    let redis = try #require(try PrivateRedis())
    let (heard, confirmed) = (Collected<String>(), Collected<Int>())
    let subscriber = RedisSubscriber(redis.url, channels: ["a", "b"]) { channel, payload in
      heard.append(channel + String(decoding: payload, as: UTF8.self))
    }
    subscriber.onSubscribed { confirmed.append(1) }
    subscriber.start()
    let client = RedisClient(redis.url)
    client.start()
    defer {
      subscriber.close()
      client.close()
    }
    #expect(await eventually { confirmed.all.count == 1 && client.health.isConnected })
    #expect(try await client.ask(["PUBLISH", "a", "1"]) == .integer(1))
    #expect(try await client.ask(["PUBLISH", "b", "2"]) == .integer(1))
    #expect(await eventually { heard.all == ["a1", "b2"] })
    redis.stop()
    #expect(await eventually { !subscriber.isListening })
    try redis.start()
    #expect(await eventually { confirmed.all.count == 2 })
    #expect(await eventually { (try? await client.command(["PUBLISH", "a", "3"])) == .integer(1) })
    #expect(await eventually { heard.all.last == "a3" })
  }
}
