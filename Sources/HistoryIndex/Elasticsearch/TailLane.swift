import ChatRooms

/// The part of the tail that one lane of the journal makes up.
struct TailLane {
  /// Events kept of a lane whose indexer is behind.
  static let mostEvents = 2_000

  struct Event {
    var position: Int64
    var timestamp: Milliseconds
    /// The document's.
    var id: String
    var entry: TailEntry
  }

  /// What lies between `covered` and `read`, rising, as far as it concerns documents.
  private(set) var events: [Event] = []
  private(set) var read: Int64
  /// What was indexed when it was last looked at.
  private(set) var indexed: Int64
  /// The index shows everything up to here for certain: a refresh was answered after it was indexed.
  private var shown: Int64
  private var covered: Int64
  /// Every commit with a time up to here has been read.
  private var settled: Milliseconds = 0
  /// What lies between `shown` and `covered` is all later than this, and for which `shown` that was found out.
  private var gap: (shown: Int64, freshAsOf: Milliseconds)?

  init(from position: Int64) {
    shown = position
    covered = position
    read = position
    indexed = position
  }

  /// Events that were neither kept nor are certainly shown.
  var hasGap: Bool { covered > shown }
  /// A refresh would make the tail shorter.
  var canLetGo: Bool { indexed > shown && (hasGap || (events.first?.position ?? .max) <= indexed) }
  /// Up to when nothing is missing.
  var freshAsOf: Milliseconds { hasGap ? min(settled, gap?.freshAsOf ?? 0) : settled }
  /// `shown`, where it has to be found out what is missing behind it.
  var gapToLookUp: Int64? { hasGap && gap?.shown != shown ? shown : nil }

  /// Between what the index certainly shows and what would be kept there would be events that were indexed, but perhaps
  /// not refreshed.
  func isUncertain(_ head: LaneHead) -> Bool {
    read < head.indexed && head.head - read > Int64(Self.mostEvents)
  }

  mutating func settle(_ time: Milliseconds) { settled = max(settled, time) }

  /// The index shows everything up to a position.
  mutating func show(through position: Int64) {
    events.removeAll { $0.position <= position }
    shown = max(shown, position)
    covered = max(covered, position)
    read = max(read, position)
    if !hasGap { gap = nil }
  }

  /// Takes events as they were read after a position; those that are there already are left out.
  mutating func append(_ new: [RoomEvent], after: Int64) {
    if read < after {
      events = []
      covered = after
      read = after
      gap = nil
    }
    for event in new where event.position > read {
      read = event.position
      guard MessageDocument.concerns(event) else { continue }
      let id = MessageDocument.id(room: event.message.room, seq: event.message.seq)
      events.append(Event(position: event.position, timestamp: event.timestamp, id: id, entry: TailEntry(event)))
    }
  }

  /// Lets the oldest go where they are too many.
  mutating func bound(indexed position: Int64) {
    indexed = max(indexed, position)
    let excess = events.count - Self.mostEvents
    guard excess > 0 else { return }
    if !hasGap { gap = (shown, events[0].timestamp - 1) }
    covered = events[excess - 1].position
    events.removeFirst(excess)
  }

  /// - Parameter oldestMissing: the time before which nothing is; `nil` if all of it was trimmed from the journal,
  ///   hence is in the index.
  mutating func found(oldestMissing: Milliseconds?, after position: Int64) {
    guard hasGap, shown == position else { return }
    gap = (position, oldestMissing ?? .max)
  }
}
