import Drivers
import Foundation

/// Values that servers share, in Redis, for a minute. A failed or slow Redis is a miss.
///
/// Each value belongs to a tag. A tag has a stamp, a random word that changes when what is tagged has changed; a value
/// is stored with the stamps that were found before it was read from the database, and counts only while they are the
/// present ones. So a slow reader cannot bring back what was invalidated meanwhile, nor can Redis losing some keys.
final class RedisCache: @unchecked Sendable {
  /// Milliseconds.
  static let lifetime = 60_000
  static let stampLifetime = 600_000
  /// Milliseconds that Redis is left alone after a read that took too long.
  static let respite = 1_000

  /// What was current when a lookup began.
  struct Stamp: Sendable { fileprivate var text: String }

  struct Lookup: Sendable {
    var value: [UInt8]?
    /// `nil` if Redis did not answer: nothing is to be stored.
    var stamp: Stamp?
  }

  private let client: RedisClient
  private let prefix: String
  private let patience: Int
  private let lock = NSLock()
  private var resumeAt = DispatchTime.now()
  /// Tags whose invalidation did not reach Redis.
  private var owed: Set<String> = []

  /// - Parameters:
  ///   - client: started after this.
  ///   - patience: milliseconds that a read may take before the database is asked instead.
  init(client: RedisClient, prefix: String, patience: Int) {
    self.patience = patience
    self.client = client
    self.prefix = "\(prefix):cache"
    client.onConnect { [weak self] in self?.settle() }
  }

  func look(up key: String, tag: String) async -> Lookup {
    guard lock.withLock({ resumeAt <= .now() }) else { return Lookup() }
    do {
      let reply = try await client.evaluate(
        Self.get, keys: keys(key, tag), arguments: [.text(Self.word()), .integer(Int64(Self.stampLifetime))],
        timeout: patience)
      guard let parts = reply.array, let stamp = parts.first?.text else { return Lookup() }
      return Lookup(value: parts.dropFirst().first?.bytes, stamp: Stamp(text: stamp))
    } catch {
      if error == .timeout { lock.withLock { resumeAt = .now() + .milliseconds(Self.respite) } }
      return Lookup()
    }
  }

  /// Stores a value that was read after the lookup which gave the stamp. Does not wait.
  func store(_ value: [UInt8], for key: String, tag: String, stamp: Stamp) {
    client.submit(
      script: Self.set, keys: keys(key, tag),
      arguments: [.text(stamp.text), .bytes(value), .integer(Int64(Self.lifetime))])
  }

  func remove(_ key: String) { client.send(["DEL", .text("\(prefix):\(key)")]) }

  /// Begins to make everything of a tag void; `completion` is called once Redis has done so, or does not answer. What
  /// could not be told to Redis is told when it is back.
  func invalidate(tag: String, completion: @escaping @Sendable () -> Void) {
    client.submit([
      "SET", .text("\(prefix):tag:\(tag)"), .text(Self.word()), "PX", .integer(Int64(Self.stampLifetime)),
    ]) { [weak self] result in
      if case .failure = result { self?.owe(tag) }
      completion()
    }
  }

  /// Begins to make everything void, as above.
  func invalidateAll(completion: @escaping @Sendable () -> Void) {
    client.submit(["SET", .text("\(prefix):all"), .text(Self.word())]) { [weak self] result in
      if case .failure = result { self?.owe(Self.everything) }
      completion()
    }
  }

  private static let everything = "*"

  private func owe(_ tag: String) {
    lock.withLock {
      owed.insert(tag)
      if owed.count > 1_000 { owed = [Self.everything] }
    }
  }

  private func settle() {
    let tags = lock.withLock {
      defer { owed = [] }
      return owed
    }
    for tag in tags {
      if tag == Self.everything { invalidateAll {} } else { invalidate(tag: tag) {} }
    }
  }

  private func keys(_ key: String, _ tag: String) -> [String] {
    ["\(prefix):\(key)", "\(prefix):tag:\(tag)", "\(prefix):all"]
  }

  private static func word() -> String { String(UInt64.random(in: .min ... .max), radix: 36) }

  /// KEYS: value, tag, all. ARGV: a new stamp, its lifetime (ms). Returns the stamp, and the value if it counts.
  private static let get = """
    local all = redis.call('GET', KEYS[3])
    if not all then
      all = ARGV[1]
      redis.call('SET', KEYS[3], all)
    end
    local tag = redis.call('GET', KEYS[2])
    if not tag then
      tag = ARGV[1]
      redis.call('SET', KEYS[2], tag, 'PX', ARGV[2])
    end
    local stamp = all .. ':' .. tag .. '|'
    local value = redis.call('GET', KEYS[1])
    if value and string.sub(value, 1, #stamp) == stamp then return {stamp, string.sub(value, #stamp + 1)} end
    return {stamp}
    """

  /// KEYS: value, tag, all. ARGV: the stamp of the lookup, the value, its lifetime (ms).
  private static let set = """
    local all, tag = redis.call('GET', KEYS[3]), redis.call('GET', KEYS[2])
    if all and tag and all .. ':' .. tag .. '|' == ARGV[1] then
      redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', ARGV[3])
    end
    """
}
