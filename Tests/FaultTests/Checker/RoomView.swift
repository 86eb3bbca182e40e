/// What a client knows of a room from its frames alone, across connections, by the rules that clients are given.
struct RoomView: Sendable, Equatable {
  private(set) var messages: [Int64: SeenMessage] = [:]
  private(set) var epoch: String?
  /// The newest event that was seen: what to resume from.
  private(set) var lastEvent: Int64 = 0
  /// Older messages than this may be missing.
  private(set) var floor: Int64 = 1
  private var replayedMessages = 0
  private var isFresh = false

  /// - Parameter limit: how many messages the join asked for.
  mutating func apply(_ frame: Frame, limit: Int) {
    switch frame {
    case .ready(let epoch, _, _, let isComplete, let isReset):
      let isFresh = !isComplete || isReset || self.epoch == nil
      if isFresh { self = RoomView() }
      self.isFresh = isFresh
      self.epoch = epoch
      replayedMessages = 0
    case .message(let message):
      messages[message.seq] = message
      replayedMessages += 1
    case .edited(let message): messages[message.seq] = message
    case .deleted(_, let seq): messages[seq] = nil
    case .removed: break
    case .replayed(let through):
      if isFresh { floor = replayedMessages >= limit ? messages.keys.min() ?? 1 : 1 }
      lastEvent = max(lastEvent, through)
    }
    if let event = frame.event { lastEvent = max(lastEvent, event) }
  }
}
