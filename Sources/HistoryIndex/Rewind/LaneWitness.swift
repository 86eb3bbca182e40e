import ChatRooms
import Drivers

/// Remembers outside of the database how far its lanes had come. What it remembers may be lost at any time.
public protocol LaneWitness: Sendable {
  /// The highest positions that any server noted; `nil` if it does not answer.
  func heads() async -> [Int: Int64]?

  /// Durable positions. Lower ones than before change nothing.
  func note(_ heads: [Int: Int64])
}

/// A sorted set in Redis: the lane is the member, its position the score.
public struct RedisLaneWitness: LaneWitness {
  private let client: RedisClient
  private let key: RedisArgument
  /// Milliseconds: a server in doubt writes nothing meanwhile.
  private static let timeout = 500

  /// - Parameter installation: the database's own id: a database made anew under the same prefix has nothing to do with
  ///   what was noted for the one before.
  public init(client: RedisClient, prefix: String, installation: String) {
    self.client = client
    key = .text("\(prefix):lanes:\(installation)")
  }

  public func heads() async -> [Int: Int64]? {
    guard let reply = try? await client.command(["ZRANGE", key, 0, -1, "WITHSCORES"], timeout: Self.timeout),
      let words = reply.array?.map(\.text)
    else { return nil }
    var heads: [Int: Int64] = [:]
    for index in stride(from: 0, to: words.count - 1, by: 2) {
      // Scores are floating point: whole numbers are exact up to 2^53, which no lane will reach.
      guard let lane = words[index].flatMap({ Int($0) }), let score = words[index + 1].flatMap({ Double($0) }),
        let head = Int64(exactly: score)
      else { continue }
      heads[lane] = head
    }
    return heads
  }

  public func note(_ heads: [Int: Int64]) {
    guard !heads.isEmpty else { return }
    let scores = heads.flatMap { [RedisArgument.integer($0.value), .integer(Int64($0.key))] }
    client.send(["ZADD", key, "GT"] + scores)
  }
}
