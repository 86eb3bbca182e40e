/// Follows what one connection is told of one room, and says where it is not what was promised: first the replay, whole
/// and in order, then every event, dense, once.
///
/// Knows that nothing is deleted in the rooms of a run, so that a replay has every message.
struct DeliveryChecker {
  private enum Phase { case beforeReady, replaying, live }

  private let room: Int64
  /// Messages that a join without `since` asks for.
  private let limit: Int64
  private var phase = Phase.beforeReady
  /// The newest event and message that were announced or seen.
  private(set) var lastEvent: Int64
  private(set) var lastSeq: Int64
  /// Where the replay has to end.
  private var goalEvent: Int64 = 0
  private var goalSeq: Int64 = 0
  private var isResume: Bool
  private var isReplayed = false
  /// Events that were left out last: one of them later is reordered rather than doubled.
  private var missing: Range<Int64> = 0..<0
  /// Frames of events that were looked at.
  private(set) var checked: Int64 = 0

  /// - Parameters:
  ///   - limit: of the join.
  ///   - since: the event after which the connection resumes, and the newest message then.
  init(room: Int64, limit: Int, since: (event: Int64, seq: Int64)? = nil) {
    self.room = room
    self.limit = Int64(limit)
    isResume = since != nil
    lastEvent = since?.event ?? 0
    lastSeq = since?.seq ?? 0
  }

  /// Whether the replay is over.
  var isLive: Bool { phase == .live }

  /// - Throws: what is wrong with the frame; the checker goes on from there.
  mutating func take(_ frame: EventFrame) throws(Breach) {
    guard frame.room == nil || frame.room == room else {
      throw Breach(.malformed, "room \(room): a frame of room \(frame.room ?? 0)")
    }
    switch frame.type {
    case .ready: try begin(frame)
    case .replayed: try endReplay(frame)
    case .message, .change: try takeEvent(frame)
    case .ack, .error, .bye, .other: break
    }
  }

  private mutating func begin(_ frame: EventFrame) throws(Breach) {
    guard phase == .beforeReady, let event = frame.lastEvent, let seq = frame.lastSeq else {
      throw Breach(.malformed, "room \(room): an unexpected ready")
    }
    phase = .replaying
    (goalEvent, goalSeq) = (event, seq)
    if isResume, frame.isComplete == false {
      // The newest `limit` messages come instead, as for somebody who had nothing.
      isResume = false
    }
    if !isResume { lastSeq = max(0, seq - limit) }
    guard lastSeq <= seq, !isResume || lastEvent <= event else {
      throw Breach(.lost, "room \(room): ready at event \(event), behind event \(lastEvent)")
    }
  }

  private mutating func endReplay(_ frame: EventFrame) throws(Breach) {
    guard phase == .replaying, let through = frame.through else {
      throw Breach(.malformed, "room \(room): an unexpected replayed")
    }
    phase = .live
    let seen = lastSeq
    (lastEvent, lastSeq) = (max(goalEvent, through), goalSeq)
    guard through >= goalEvent else {
      throw Breach(.lost, "room \(room): replayed through \(through) of \(goalEvent)")
    }
    guard seen == goalSeq else { throw Breach(.lost, "room \(room): the replay ended at seq \(seen) of \(goalSeq)") }
  }

  private mutating func takeEvent(_ frame: EventFrame) throws(Breach) {
    guard let event = frame.event, phase != .beforeReady else {
      throw Breach(.malformed, "room \(room): an event before ready, or without a number")
    }
    checked += 1
    let expected = lastSeq + 1
    // One loss is one breach: whatever is wrong with this event, the next one follows on it.
    defer { if frame.type == .message { lastSeq = max(lastSeq, frame.seq ?? 0) } }
    if phase == .live || isResume { try takeDense(event) } else { try takeRising(event) }
    guard frame.type == .message else { return }
    guard let seq = frame.seq else { throw Breach(.malformed, "room \(room): event \(event) without a seq") }
    guard seq == expected else {
      throw Breach(seq > expected ? .lost : .doubled, "room \(room): seq \(seq) where \(expected) was due")
    }
  }

  private mutating func takeDense(_ event: Int64) throws(Breach) {
    let expected = lastEvent + 1
    guard event == expected else {
      if event > expected {
        missing = expected..<event
        lastEvent = event
        throw Breach(.lost, "room \(room): event \(event) where \(expected) was due")
      }
      throw late(event)
    }
    lastEvent = event
  }

  private mutating func takeRising(_ event: Int64) throws(Breach) {
    guard event > lastEvent else { throw late(event) }
    lastEvent = event
  }

  private func late(_ event: Int64) -> Breach {
    Breach(
      missing.contains(event) ? .reordered : .doubled, "room \(room): event \(event) again, behind \(lastEvent)")
  }
}
