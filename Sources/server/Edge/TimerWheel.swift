/// Deadlines of many connections in a ring of slots, so that setting one costs an append, not a timer.
///
/// A deadline beyond the ring's span fires at its end, early: whoever is called looks at what is due and sets the next
/// one. Time is in milliseconds of any clock that only goes forward.
struct TimerWheel {
  /// Milliseconds of a slot.
  static let tick: Int64 = 250
  private static let slotCount: Int64 = 256

  private var slots: [[UInt64]]
  private var now: Int64
  private(set) var count = 0

  init(now: Int64) {
    slots = Array(repeating: [], count: Int(Self.slotCount))
    self.now = now / Self.tick
  }

  /// Calls for a token at or shortly after `deadline`. Returns the tick in which that happens, to tell a deadline that
  /// was replaced from one that counts.
  mutating func schedule(_ token: UInt64, at deadline: Int64) -> Int64 {
    let reachable = min(deadline, (now + Self.slotCount) * Self.tick)
    let wanted = (reachable + Self.tick - 1) / Self.tick
    let slot = min(max(wanted, now + 1), now + Self.slotCount - 1)
    slots[Int(slot % Self.slotCount)].append(token)
    count += 1
    return slot
  }

  /// Tokens whose time has come, each with its tick.
  mutating func advance(to time: Int64) -> [(token: UInt64, tick: Int64)] {
    var due: [(token: UInt64, tick: Int64)] = []
    let target = time / Self.tick
    // After a long pause (a stopped process) one turn of the ring covers everything.
    if target - now > Self.slotCount { now = target - Self.slotCount }
    while now < target {
      now += 1
      let index = Int(now % Self.slotCount)
      guard !slots[index].isEmpty else { continue }
      due += slots[index].map { ($0, now) }
      slots[index].removeAll(keepingCapacity: slots[index].count <= 64)
    }
    count -= due.count
    return due
  }

  /// Milliseconds until the next slot; -1, for ever, where nothing is set.
  func timeout(at time: Int64) -> Int32 {
    count == 0 ? -1 : Int32(clamping: max(0, (now + 1) * Self.tick - time))
  }
}
