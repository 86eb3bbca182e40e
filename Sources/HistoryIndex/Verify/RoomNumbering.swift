import ChatRooms

/// A room's numbers as its counters and the list of its changes have them: which event made a message, and which changed
/// it last. Pure.
///
/// Between two changes every event is a message ("State by position" in the architecture), so that nothing else is
/// needed to know the numbers of every message of a room.
struct RoomNumbering {
  /// A rewind raises a room's events by so many; afterwards they do not add up, and need not.
  static let jump: Int64 = 1_000_000

  let lastEvent: Int64
  let lastSeq: Int64
  private let changes: [RoomChange]
  private var revisions: [Int64: (event: Int64, isDeletion: Bool)] = [:]

  /// - Parameter changes: rising by event; those beyond `lastEvent` came later and do not count.
  init(lastEvent: Int64, lastSeq: Int64, changes: [RoomChange]) {
    self.lastEvent = lastEvent
    self.lastSeq = lastSeq
    self.changes = changes.filter { $0.event <= lastEvent }
    for change in self.changes where change.seq > 0 {
      let isDeletion = change.kind == .deletion || revisions[change.seq]?.isDeletion == true
      revisions[change.seq] = (change.event, isDeletion)
    }
  }

  /// Events that are neither a message nor a change; less than none where messages are counted that had no event.
  private var surplus: Int64 { lastEvent - lastSeq - Int64(changes.count) }

  /// The room was rewound: its events have jumped.
  var hasJumped: Bool { surplus >= Self.jump }

  /// The first stretch of events that do not add up, and what is odd about it.
  var flaw: (events: ClosedRange<Int64>, detail: String)? {
    guard !hasJumped else { return nil }
    var (event, seq): (Int64, Int64) = (0, 0)
    for change in changes {
      if let flaw = Self.flaw(from: event, seq, to: change.event - 1, change.lastSeq) { return flaw }
      (event, seq) = (change.event, change.lastSeq)
    }
    return Self.flaw(from: event, seq, to: lastEvent, lastSeq)
  }

  /// A stretch without a change: as many events as messages.
  private static func flaw(
    from event: Int64, _ seq: Int64, to lastEvent: Int64, _ lastSeq: Int64
  ) -> (events: ClosedRange<Int64>, detail: String)? {
    let (events, messages) = (lastEvent - event, lastSeq - seq)
    guard events != messages else { return nil }
    return (event + 1...max(event + 1, lastEvent), "\(events) events are \(messages) messages and no change")
  }

  /// The event that made a message; `nil` where the events do not add up.
  func event(of seq: Int64) -> Int64? {
    guard surplus == 0, seq >= 1, seq <= lastSeq else { return nil }
    var (low, high) = (0, changes.count)
    while low < high {
      let middle = (low + high) / 2
      if changes[middle].lastSeq >= seq { high = middle } else { low = middle + 1 }
    }
    guard low < changes.count else { return lastEvent - (lastSeq - seq) }
    return changes[low].event - 1 - (changes[low].lastSeq - seq)
  }

  /// The change that a message saw last; `nil` if it was never changed.
  func revision(of seq: Int64) -> (event: Int64, isDeletion: Bool)? { revisions[seq] }
}
