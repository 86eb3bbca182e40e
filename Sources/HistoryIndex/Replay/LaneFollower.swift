import ChatRooms

/// Puts the events of one lane into their order, whichever way they come: from this server's writers, from other
/// servers by the bus, or fetched from the journal. Pure: time comes in, actions go out.
///
/// Positions of a lane are dense and their order is the commit order, so what is missing shows: by a later event, or by
/// the lane's head in the database. A lost last event, a dead publisher and an absent bus are one case.
struct LaneFollower: Sendable {
  /// How long a gap may stay before the journal is asked: a publish from another server is usually on its way.
  static let patience: Milliseconds = 30
  /// Events that may wait behind a gap; beyond, they are dropped and fetched later.
  static let maximumWaiting = 10_000

  /// How long to wait before the journal is asked again after it failed to answer.
  static let retryDelay: Milliseconds = 300

  /// Everything up to here was delivered.
  private(set) var delivered: Int64
  private var head: Int64
  private var waiting: [Int64: RoomEvent] = [:]
  private var gapSince: Milliseconds?
  /// The journal had nothing where there should have been something.
  private var isHeadDoubted = false

  /// - Parameter position: where to begin: the lane's head when the server started.
  init(at position: Int64) {
    delivered = position
    head = position
  }

  /// Takes events in any order, known ones too; returns those whose turn has come.
  mutating func receive(_ events: [RoomEvent], now: Milliseconds) -> [RoomEvent] {
    var ready: [RoomEvent] = []
    ready.reserveCapacity(events.count)
    for event in events where event.position > delivered {
      if event.position == delivered + 1 {
        delivered = event.position
        ready.append(event)
        drain(into: &ready)
      } else if waiting.count < Self.maximumWaiting {
        waiting[event.position] = event
      }
      head = max(head, event.position)
    }
    noteGap(now: now)
    return ready
  }

  /// The head as the database has it. Returns where to skip to, if what lies before was trimmed.
  ///
  /// A head may be seen before it is durable, and taken back by a crash of the database: what is committed then has the
  /// same positions, and must not be taken for known.
  @discardableResult
  mutating func observe(head: Int64, now: Milliseconds) -> Int64? {
    defer { noteGap(now: now) }
    guard isHeadDoubted else {
      self.head = max(self.head, head)
      return nil
    }
    isHeadDoubted = false
    self.head = max(head, delivered)
    waiting = [:]
    gapSince = nil
    return head > delivered ? head : nil
  }

  /// The journal holds nothing after `delivered`, although the head lies beyond: the next head that is read tells
  /// whether it was trimmed or was never durable.
  mutating func doubtHead() {
    isHeadDoubted = true
    gapSince = nil
  }

  /// Whether the journal should be asked for what follows `delivered`.
  func needsFetch(now: Milliseconds) -> Bool {
    guard let gapSince, !isHeadDoubted else { return false }
    return now - gapSince >= Self.patience
  }

  /// The journal did not answer; it is asked again later.
  mutating func postpone(now: Milliseconds) {
    if gapSince != nil { gapSince = now + Self.retryDelay }
  }

  /// How many events are known to be missing or waiting.
  var lag: Int64 { head - delivered }

  /// Gives up on what lies between: whoever follows a room of this lane has lost track of it.
  mutating func skip(to position: Int64) {
    delivered = max(delivered, position)
    head = max(head, delivered)
    waiting = waiting.filter { $0.key > delivered }
    gapSince = nil
    isHeadDoubted = false
  }

  private mutating func drain(into ready: inout [RoomEvent]) {
    while !waiting.isEmpty, let next = waiting.removeValue(forKey: delivered + 1) {
      delivered += 1
      ready.append(next)
    }
  }

  private mutating func noteGap(now: Milliseconds) {
    if delivered >= head { gapSince = nil } else if gapSince == nil { gapSince = now }
  }
}
