import Drivers
import Foundation
import RedisTesting
import Testing

@testable import ChatRooms

/// Servers over the same tables and the same Redis.
@Suite(.enabled(if: PrivateRedis.isInstalled, "redis-server is not installed"))
struct CachedRoomStoreTests {
  private final class Server: Sendable {
    let client: RedisClient
    let bus: RedisBus
    let store: CachedRoomStore
    let heard = Collected<BusMessage>()

    /// - Parameter patience: longer than a busy machine may take, except where Redis hangs.
    init(_ url: RedisURL, _ tables: FakeRoomStore, patience: Int = 10_000) async {
      client = RedisClient(url)
      bus = RedisBus(url, client: client, prefix: "t")
      store = CachedRoomStore(tables, client: client, prefix: "t", bus: bus, patience: patience)
      // After the store's own handler: what is here, the store has heard.
      bus.onMessage { [heard] in heard.append($0) }
      client.start()
      bus.start()
      _ = await eventually { client.health.isConnected && bus.isListening }
    }

    deinit {
      bus.close()
      client.close()
    }
  }

  private let tables = FakeRoomStore()
  private let room = Room(id: 1, name: "a", topic: "t", kind: .private, lane: 3, routing: "1#2", createdAt: 5)
  private let ann = User(id: 9, name: "Ann", displayName: nil, createdAt: 6)

  init() {
    tables.put(room)
    tables.put(ann)
  }

  @Test func whatOneServerReadsTheOthersTakeFromRedis() async throws {
    let redis = try #require(try PrivateRedis())
    let (one, two) = (await Server(redis.url, tables), await Server(redis.url, tables))
    _ = try await one.store.addMember(ann, to: 1, role: .owner)
    let reads = tables.reads.all.count
    for store in [one.store, one.store, two.store, two.store] {
      #expect(try await store.room(1) == room)
      #expect(try await store.user(named: "Ann") == ann)
      #expect(try await store.ensureUser(name: "Ann") == ann)
      #expect(try await store.membership(room: 1, user: 9)?.role == .owner)
      // The store into Redis is not waited for; a reply to a later command means that it is done.
      _ = try await one.client.ask(["PING"])
    }
    #expect(tables.reads.all.count - reads <= 3)
    _ = try await one.store.readScope(of: 9, isAdmin: false)
    _ = try await one.store.readScope(of: 9, isAdmin: false)
    #expect(tables.reads.all.filter { $0 == "scope" }.count == 2)
  }

  @Test func whatOneServerChangesIsNewOnAll() async throws {
    let redis = try #require(try PrivateRedis())
    let (one, two) = (await Server(redis.url, tables), await Server(redis.url, tables))
    for server in [one, two] {
      #expect(try await server.store.room(1)?.topic == "t")
      #expect(try await server.store.membership(room: 1, user: 9) == nil)
      #expect(try await server.store.user(named: "Ann")?.displayName == nil)
    }
    _ = try await one.store.updateRoom(1, name: nil, topic: "new")
    _ = try await one.store.addMember(ann, to: 1, role: .member)
    _ = try await one.store.updateUser(ann, displayName: "Annie")
    #expect(try await one.store.room(1)?.topic == "new")
    #expect(await eventually { two.heard.all.count == 3 })
    #expect(try await two.store.room(1)?.topic == "new")
    #expect(try await two.store.membership(room: 1, user: 9) != nil)
    #expect(try await two.store.user(named: "Ann")?.displayName == "Annie")
    try await one.store.deleteAllUsers()
    #expect(await eventually { two.heard.all.last == .everythingChanged })
    #expect(try await two.store.user(named: "Ann") == nil)
  }

  @Test func aRemovalInTheJournalEndsACachedMembership() async throws {
    let redis = try #require(try PrivateRedis())
    let (one, two) = (await Server(redis.url, tables), await Server(redis.url, tables))
    _ = try await one.store.addMember(ann, to: 1, role: .member)
    #expect(await eventually { two.heard.all == [.roomChanged(1)] })
    for server in [one, two] { #expect(try await server.store.membership(room: 1, user: 9) != nil) }
    tables.removeMember(9, of: 1)
    await one.store.roomChanged(1)
    #expect(try await one.store.membership(room: 1, user: 9) == nil)
    #expect(await eventually { two.heard.all.count == 2 })
    #expect(try await two.store.membership(room: 1, user: 9) == nil)
  }

  @Test func aReaderWhoReadBeforeAChangeBringsNothingOldBack() async throws {
    let redis = try #require(try PrivateRedis())
    let (one, two) = (await Server(redis.url, tables), await Server(redis.url, tables))
    let gate = tables.holdNextRead()
    async let old = two.store.room(1)
    #expect(await eventually { gate.waiters == 1 })
    _ = try await one.store.updateRoom(1, name: nil, topic: "new")
    #expect(await eventually { two.heard.all == [.roomChanged(1)] })
    gate.open()
    #expect(try await old?.topic == "t")
    _ = try await two.client.ask(["PING"])
    for server in [one, two] { #expect(try await server.store.room(1)?.topic == "new") }
  }

  @Test func aReaderBringsNothingOldBackThroughAFlushEither() async throws {
    let redis = try #require(try PrivateRedis())
    let (one, two) = (await Server(redis.url, tables), await Server(redis.url, tables))
    let gate = tables.holdNextRead()
    async let old = two.store.room(1)
    #expect(await eventually { gate.waiters == 1 })
    _ = try await one.store.updateRoom(1, name: nil, topic: "new")
    _ = try await one.client.ask(["FLUSHALL"])
    gate.open()
    #expect(try await old?.topic == "t")
    _ = try await two.client.ask(["PING"])
    one.store.forgetEverything()
    #expect(try await one.store.room(1)?.topic == "new")
  }

  @Test func withoutRedisTheDatabaseAnswers() async throws {
    let redis = try #require(try PrivateRedis())
    let one = await Server(redis.url, tables)
    redis.stop()
    #expect(await eventually { !one.client.health.isConnected })
    #expect(try await one.store.room(1)?.topic == "t")
    _ = try await one.store.updateRoom(1, name: nil, topic: "new")
    #expect(try await one.store.room(1)?.topic == "new")
  }

  @Test func aChangeThatCouldNotBeToldIsToldWhenRedisIsBack() async throws {
    let redis = try #require(try PrivateRedis())
    let (one, two) = (await Server(redis.url, tables), await Server(redis.url, tables))
    #expect(try await two.store.room(1)?.topic == "t")
    // From now on only connections that are open already are served: this locks out one server, but not the other.
    let own = try #require(try await one.client.ask(["CLIENT", "ID"]).integer)
    _ = try await two.client.ask(["CONFIG", "SET", "requirepass", "other"])
    _ = try await two.client.ask(["CLIENT", "KILL", "ID", .integer(own)])
    #expect(await eventually { one.client.health.problem?.contains("NOAUTH") == true })
    _ = try await one.store.updateRoom(1, name: nil, topic: "new")
    two.store.forgetEverything()
    #expect(try await two.store.room(1)?.topic == "t", "Redis still has the old value")
    _ = try await two.client.ask(["CONFIG", "SET", "requirepass", ""])
    #expect(
      try await eventually {
        two.store.forgetEverything()
        return try await two.store.room(1)?.topic == "new"
      })
  }

  @Test func aRedisThatHangsCostsADatabaseRead() async throws {
    let redis = try #require(try PrivateRedis())
    let one = await Server(redis.url, tables, patience: 20)
    redis.pause()
    defer { redis.resume() }
    #expect(try await one.store.room(1) == room)
    #expect(try await one.store.user(named: "Ann") == ann)
    #expect(tables.reads.all == ["room 1", "user Ann"])
  }

  @Test func whatRecentCallersMayReadOutlastsTheDatabase() async throws {
    let redis = try #require(try PrivateRedis())
    let one = await Server(redis.url, tables)
    _ = try await one.store.room(1)
    _ = try await one.store.addMember(ann, to: 1, role: .member)
    one.store.noteCall(of: ann)
    let connected = User(id: 10, name: "Ben", displayName: nil, createdAt: 6)
    one.store.noteCall(of: connected)
    let keeping = Task { [store = one.store] in await store.keepScopes() }
    #expect(await eventually { tables.reads.all.filter { $0 == "scope" }.count >= 4 })
    keeping.cancel()
    await keeping.value
    tables.goAway()
    for id in [nil, 9, 10] as [UserID?] { _ = try await one.store.readScope(of: id, isAdmin: false) }
    _ = try await one.store.readScope(of: 9, isAdmin: true)
    await #expect(throws: SQLError.self) { try await one.store.readScope(of: 11, isAdmin: false) }
    #expect(try await one.store.user(named: "Ben") == connected)
    await #expect(throws: SQLError.self) { try await one.store.user(named: "Cat") }
  }

  @Test func aStormOnARoomIsOneRead() async throws {
    let redis = try #require(try PrivateRedis())
    let one = await Server(redis.url, tables)
    let store = one.store
    try await withThrowingTaskGroup(of: Room?.self) { group in
      for _ in 0..<2_000 { group.addTask { try await store.room(1) } }
      for try await found in group { #expect(found == room) }
    }
    #expect(tables.reads.all == ["room 1"])
  }
}

@Suite struct RoomCacheCodecTests {
  @Test func valuesAreKeptAndDamagedOnesRefused() {
    let room = Room(id: .max, name: nil, topic: "猫", kind: .direct, lane: 15, routing: "", createdAt: -1)
    let user = User(id: 1, name: "é", displayName: nil, createdAt: 0)
    let membership = Membership(room: 1, user: 2, role: .owner, readSeq: .max)
    #expect(RoomCacheCodec.room(RoomCacheCodec.encode(room)) == room)
    #expect(RoomCacheCodec.user(RoomCacheCodec.encode(user)) == user)
    #expect(RoomCacheCodec.membership(RoomCacheCodec.encode(membership)) == membership)
    let bytes = RoomCacheCodec.encode(room)
    for count in 0..<bytes.count { #expect(RoomCacheCodec.room(Array(bytes.prefix(count))) == nil) }
    #expect(RoomCacheCodec.room(bytes + [0]) == nil)
  }
}
