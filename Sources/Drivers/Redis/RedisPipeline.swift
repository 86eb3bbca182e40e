/// Commands that were sent and wait for their replies, which come in order. A pure state machine: it takes replies and
/// times and says whose waiting has ended.
struct RedisPipeline {
  /// Called once, with the reply or why there is none.
  typealias Completion = @Sendable (Result<RedisReply, RedisError>) -> Void

  struct Entry {
    /// `nil`: nobody waits, or the one who did has given up; the reply still has to be taken off.
    var completion: Completion?
    /// Milliseconds of a steady clock.
    var sentAt: Int64
    var deadline: Int64
  }

  private var entries: [Entry] = []
  private var head = 0
  /// No deadline is earlier than this.
  private(set) var nextDeadline = Int64.max

  var count: Int { entries.count - head }

  /// When the command that has waited longest was sent.
  var oldest: Int64? { head < entries.count ? entries[head].sentAt : nil }

  mutating func append(_ new: [Entry]) {
    for entry in new where entry.completion != nil { nextDeadline = min(nextDeadline, entry.deadline) }
    entries.append(contentsOf: new)
  }

  /// Takes the entry that the next reply belongs to; `nil` for a reply to nothing.
  mutating func takeFirst() -> Entry? {
    guard head < entries.count else { return nil }
    let entry = entries[head]
    entries[head].completion = nil
    head += 1
    if head == entries.count {
      entries.removeAll(keepingCapacity: true)
      head = 0
      nextDeadline = .max
    } else if head >= 1_024, head * 2 >= entries.count {
      entries.removeFirst(head)
      head = 0
    }
    return entry
  }

  /// Those whose deadline has come. They stay in their place, for their replies may still come.
  mutating func takeExpired(at now: Int64) -> [Completion] {
    guard nextDeadline <= now else { return [] }
    nextDeadline = .max
    var expired: [Completion] = []
    for index in head..<entries.count {
      guard let completion = entries[index].completion else { continue }
      if entries[index].deadline <= now {
        expired.append(completion)
        entries[index].completion = nil
      } else {
        nextDeadline = min(nextDeadline, entries[index].deadline)
      }
    }
    return expired
  }

  /// Everybody who still waits: the connection is gone.
  mutating func takeAll() -> [Completion] {
    defer { self = RedisPipeline() }
    return entries[head...].compactMap(\.completion)
  }
}
