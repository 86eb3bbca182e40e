import ChatRooms
import Drivers

/// Leaves tails in Redis for the other servers.
public struct RedisTailExchange: TailExchange {
  /// How long a tail stays: long enough for a reconnect storm, short enough to cost no memory to speak of.
  static let tailSeconds: Int64 = 30
  /// Milliseconds that a tail, some 100 kB, may take to come; a lease is small.
  static let tailTimeout = 500

  /// Deletes the lease only if it is still ours.
  private static let releaseScript = """
    if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0
    """

  private let client: RedisClient
  private let prefix: String

  public init(client: RedisClient, prefix: String) {
    self.client = client
    self.prefix = prefix
  }

  public func tail(of room: RoomID) async -> [UInt8]? {
    try? await client.command(["GET", tailKey(room)], timeout: Self.tailTimeout).bytes
  }

  public func lease(_ room: RoomID) async -> TailLease {
    let token = String(UInt64.random(in: .min ... .max), radix: 36)
    do {
      let reply = try await client.command([
        "SET", leaseKey(room), .text(token), "NX", "PX", .integer(HistoryPatience.leaseMilliseconds),
      ])
      return reply == .null ? .taken : .granted(token: token)
    } catch {
      return .unavailable
    }
  }

  public func leave(_ tail: [UInt8], room: RoomID, token: String) async {
    // In one pipeline and in this order: who finds the lease gone finds the tail.
    client.send(["SET", tailKey(room), .bytes(tail), "EX", .integer(Self.tailSeconds)])
    await release(room: room, token: token)
  }

  public func release(room: RoomID, token: String) async {
    _ = try? await client.evaluate(
      Self.releaseScript, keys: ["\(prefix):lease:\(room)"], arguments: [.text(token)])
  }

  /// What was left of these rooms must not be found any more.
  public func forget(_ rooms: some Sequence<RoomID>) async {
    for room in rooms { _ = try? await client.command(["DEL", tailKey(room)]) }
  }

  private func tailKey(_ room: RoomID) -> RedisArgument { .text("\(prefix):tail:\(room)") }
  private func leaseKey(_ room: RoomID) -> RedisArgument { .text("\(prefix):lease:\(room)") }
}
