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

    public init(lease: Int = 8_000, renewal: Int = 2_500) {
      self.lease = lease
      self.renewal = renewal
    }
  }

  /// Takes a room, users, and whether they have come (back) or are gone. Must not wait.
  public typealias Change = @Sendable (RoomID, [String], Bool) -> Void

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
  private let steadiness = RenewalSteadiness()
  private var onChange: Change = { _, _, _ in }
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
    client.onConnect { [weak self] in self?.connected() }
  }

  /// Calls a function with the users of servers that ended without a word: on one server for each of them, which is to
  /// tell the others; and with this server's own, where others may have taken it for ended. Call it before `start`.
  public func onChange(_ change: @escaping Change) { lock.withLock { onChange = change } }

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
    let (rooms, wasAway) = lock.withLock { (counts.occupied, steadiness.begin(lease: timing.lease)) }
    for start in stride(from: 0, to: rooms.count, by: Self.batch) {
      renew(Array(rooms[start..<min(start + Self.batch, rooms.count)]), wasAway: wasAway)
    }
  }

  /// - Parameter wasAway: others may have told that this server's users are gone.
  private func renew(_ rooms: [RoomID], wasAway: Bool) {
    lock.withLock {
      let mayClear = steadiness.isSteady(for: timing.lease)
      let present = rooms.filter { counts.count(in: $0) > 0 }
      let numbers = present.map { RedisArgument.integer(Int64(counts.count(in: $0))) }
      client.submit(
        script: PresenceScripts.renew, keys: present.flatMap(keys),
        arguments: [.text(server), .integer(Int64(timing.lease)), .integer(mayClear ? 1 : 0)] + numbers,
        timeout: timing.renewal
      ) { [weak self] result in self?.renewed(present, try? result.get(), wasAway: wasAway) }
    }
  }

  private func renewed(_ rooms: [RoomID], _ reply: RedisReply?, wasAway: Bool) {
    guard let parts = reply?.array, parts.count == 2 else { return steadiness.interrupt() }
    func room(_ place: RedisReply?) -> RoomID? {
      guard let place = place?.integer.flatMap({ Int(exactly: $0) }), rooms.indices.contains(place - 1) else {
        return nil
      }
      return rooms[place - 1]
    }
    let tell = lock.withLock { onChange }
    for room in parts[0].array?.compactMap(room) ?? [] {
      register(room)
      if wasAway { tell(room, lock.withLock { counts.users(in: room) }, true) }
    }
    for lease in parts[1].array ?? [] {
      guard let room = room(lease.array?.first), let users = lease.array?.last?.array?.compactMap(\.text) else {
        continue
      }
      tell(room, users, false)
    }
  }

  private func connected() {
    steadiness.interrupt()
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
