/// Checks what one client was told on one connection, against the rules of the wire and against what happened.
struct SubscriptionCheck {
  private enum Phase {
    case joining
    case replaying(through: Int64)
    case live
  }

  let subscription: Subscription
  let log: RoomLog
  /// Messages that somebody deleted, or tried to.
  let mayBeDeleted: Set<Int64>

  private var phase = Phase.joining
  private var position: Int64 = 0
  /// The room's last event when the client joined.
  private var joinedAt: Int64 = 0
  private var isComplete = true
  private var replayed: Set<Int64> = []
  private var firstReplayed: Int64?
  private var replayedCount = 0
  private var breaches: [Breach] = []

  init(_ subscription: Subscription, log: RoomLog, mayBeDeleted: Set<Int64>) {
    self.subscription = subscription
    self.log = log
    self.mayBeDeleted = mayBeDeleted
  }

  func findBreaches() -> [Breach] {
    var check = self
    for entry in subscription.entries { check.take(entry) }
    return check.breaches
  }

  private mutating func fail(_ promise: Promise, _ what: String, _ entry: Subscription.Entry) {
    breaches.append(
      Breach(promise, room: subscription.room, what, [subscription.title, "\(entry.time) ms: \(entry.frame)"]))
  }

  private mutating func take(_ entry: Subscription.Entry) {
    switch entry.frame {
    case .ready(_, let lastEvent, _, let isComplete, _):
      guard case .joining = phase else { return fail(.framesInPlace, "a second ready", entry) }
      phase = .replaying(through: lastEvent)
      joinedAt = lastEvent
      self.isComplete = isComplete
      position = isComplete ? subscription.since ?? 0 : 0
    case .replayed(let through):
      guard case .replaying(let last) = phase else { return fail(.framesInPlace, "replayed out of place", entry) }
      if through != last { fail(.framesInPlace, "replayed through another event than ready named", entry) }
      checkReplay(entry)
      position = last
      phase = .live
    case .message, .edited, .deleted, .removed: advance(entry)
    }
  }

  private mutating func advance(_ entry: Subscription.Entry) {
    guard let event = entry.frame.event else { return }
    switch phase {
    case .joining: return fail(.framesInPlace, "an event before ready", entry)
    case .replaying(let through):
      if event <= position { fail(.rising, "event \(event) of a replay comes after \(position)", entry) }
      if event > through { fail(.framesInPlace, "event \(event) within a replay through \(through)", entry) }
      note(entry.frame)
    case .live:
      if event <= position {
        fail(.rising, "event \(event) comes after \(position)", entry)
      } else if event > position + 1 {
        fail(.noGap, "event \(event) follows \(position)", entry)
      }
    }
    checkDeletion(entry, event)
    position = max(position, event)
  }

  private mutating func note(_ frame: Frame) {
    guard case .message(let message) = frame else { return }
    if firstReplayed == nil { firstReplayed = message.seq }
    replayed.insert(message.seq)
    replayedCount += 1
  }

  /// The text of a message that was deleted before the join, or before this event.
  private mutating func checkDeletion(_ entry: Subscription.Entry, _ event: Int64) {
    guard let message = entry.frame.text, let deletion = log.deleted[message.seq] else { return }
    let seenAt = if case .live = phase { event } else { joinedAt }
    if seenAt >= deletion {
      fail(.deletedTextIsGone, "the text of message \(message.seq), deleted at event \(deletion)", entry)
    }
  }

  /// Every message that was created in the stretch must have come.
  private mutating func checkReplay(_ entry: Subscription.Entry) {
    var after: Int64 = 0
    if isComplete, let since = subscription.since {
      after = since
    } else if replayedCount >= subscription.limit, let first = firstReplayed {
      after = (log.created[first] ?? 1) - 1
    }
    let missing = log.creations(after: after, through: joinedAt).filter {
      !replayed.contains($0.seq) && !mayBeDeleted.contains($0.seq)
    }
    guard let first = missing.first else { return }
    let source = log.claims[first.event]?.source.description ?? ""
    breaches.append(
      Breach(
        .replayWhole, room: subscription.room,
        "\(missing.count) messages left out, the first \(first.seq) (event \(first.event))",
        [subscription.title, "\(entry.time) ms: \(entry.frame), joined at \(joinedAt)", source]))
  }
}
