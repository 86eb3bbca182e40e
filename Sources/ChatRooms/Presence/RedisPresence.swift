import Drivers
import Foundation

/// Presence across servers, by leases in Redis. What is connected here is always known from memory; what is connected
/// elsewhere is unknown while Redis is down.
///
/// Redis is brought to what this server knows on each renewal, so that whatever it lost comes back by itself.
public final class RedisPresence: Presence, @unchecked Sendable {
  public struct Timing: Sendable {
    /// Milliseconds after which a crashed server's users vanish.
    public var lease: Int
    /// Milliseconds between renewals.
    public var renewal: Int

    public init(lease: Int = 25_000, renewal: Int = 8_000) {
      self.lease = lease
      self.renewal = renewal
    }
  }

  /// Rooms in one call of a script, and users: Redis does nothing else meanwhile.
  private static let batch = 100
  private static let userBatch = 1_000

  private let client: RedisClient
  private let prefix: String
  private let server: String
  private let timing: Timing
  /// Held while commands are put into the pipeline too, so that Redis sees changes in the order in which they happened.
  private let lock = NSLock()
  private var counts = PresenceCounts()
  private let stopping = DispatchSemaphore(value: 0)
  private var thread: WorkerThread?

  /// - Parameters:
  ///   - client: whoever made it starts it, after this, and closes it.
  ///   - server: this server's name among the others, new with each start.
  public init(client: RedisClient, prefix: String, server: String, timing: Timing = Timing()) {
    self.client = client
    self.prefix = "\(prefix):presence"
    self.server = server
    self.timing = timing
    client.onConnect { [weak self] in self?.registerAll() }
  }

  // MARK: Presence

  public func enter(room: RoomID, user: String) async {
    await withCheckedContinuation { continuation in
      lock.withLock {
        counts.enter(room: room, user: user)
        client.submit(
          script: PresenceScripts.enter, keys: keys(room),
          arguments: [.text(server), .integer(Int64(timing.lease)), .text(user)]
        ) { _ in continuation.resume() }
      }
    }
  }

  public func leave(room: RoomID, user: String) {
    lock.withLock {
      guard counts.leave(room: room, user: user) else { return }
      client.submit(script: PresenceScripts.leave, keys: keys(room), arguments: [.text(server), .text(user)])
    }
  }

  public func users(in room: RoomID) async -> [String] {
    let reply = try? await client.evaluate(PresenceScripts.others, keys: [key(room)], arguments: [.text(server)])
    let others = reply?.array?.compactMap(\.text) ?? []
    return PresenceCounts.sorted(others + lock.withLock { counts.users(in: room) })
  }

  public func counts(in rooms: [RoomID]) async -> [RoomID: Int] {
    var found: [RoomID: Int] = [:]
    for start in stride(from: 0, to: rooms.count, by: Self.batch) {
      let part = Array(rooms[start..<min(start + Self.batch, rooms.count)])
      let reply = try? await client.evaluate(PresenceScripts.count, keys: part.map(key), arguments: [])
      for (room, count) in zip(part, reply?.array ?? []) { found[room] = count.integer.map(Int.init(clamping:)) }
    }
    return lock.withLock {
      Dictionary(rooms.map { ($0, max(found[$0] ?? 0, counts.count(in: $0))) }) { first, _ in first }
    }
  }

  // MARK: Leases

  /// Renews leases from now on, on a thread of its own.
  public func start() {
    thread = WorkerThread(name: "presence") { [self] in
      while pause(milliseconds: timing.renewal) { renewAll() }
    }
  }

  /// Ends renewing. Blocks for a moment: not for Swift's cooperative threads.
  public func close() {
    stopping.signal()
    thread?.join()
    thread = nil
  }

  /// Returns false once it is to stop. A step of the wall clock must not keep leases from being renewed.
  private func pause(milliseconds: Int) -> Bool {
    stopping.wait(timeout: .now() + .milliseconds(milliseconds)) == .timedOut
  }

  private func renewAll() {
    let rooms = lock.withLock { counts.occupied }
    for start in stride(from: 0, to: rooms.count, by: Self.batch) {
      renew(Array(rooms[start..<min(start + Self.batch, rooms.count)]))
    }
  }

  private func renew(_ rooms: [RoomID]) {
    lock.withLock {
      let present = rooms.filter { counts.count(in: $0) > 0 }
      let numbers = present.map { RedisArgument.integer(Int64(counts.count(in: $0))) }
      client.submit(
        script: PresenceScripts.renew, keys: present.flatMap(keys),
        arguments: [.text(server), .integer(Int64(timing.lease))] + numbers, timeout: timing.renewal
      ) { [weak self] result in
        let wrong = (try? result.get())?.array?.compactMap { $0.integer.flatMap(Int.init(exactly:)) } ?? []
        for place in wrong where present.indices.contains(place - 1) { self?.register(present[place - 1]) }
      }
    }
  }

  private func registerAll() {
    for room in lock.withLock({ counts.occupied }) { register(room) }
  }

  /// Makes Redis know exactly who is in a room on this server.
  private func register(_ room: RoomID) {
    lock.withLock {
      client.send(["DEL", .text(keys(room)[1])])
      let users = counts.users(in: room)
      for start in stride(from: 0, to: users.count, by: Self.userBatch) {
        let part = users[start..<min(start + Self.userBatch, users.count)]
        client.submit(
          script: PresenceScripts.enter, keys: keys(room),
          arguments: [.text(server), .integer(Int64(timing.lease))] + part.map(RedisArgument.text))
      }
    }
  }

  private func key(_ room: RoomID) -> String { "\(prefix):\(room)" }
  private func keys(_ room: RoomID) -> [String] { [key(room), "\(key(room)):\(server)"] }
}
