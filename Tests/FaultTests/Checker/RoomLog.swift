/// What happened in a room, event by event, put together from everything that anybody was told.
struct RoomLog: Sendable {
  enum Entry: Sendable, Equatable {
    case message(seq: Int64)
    case edit(seq: Int64)
    case deletion(seq: Int64)
    /// An edit or a deletion: a replay does not tell which, since it shows the state after even later ones.
    case change(seq: Int64)
    case removal

    func agrees(with other: Entry) -> Bool {
      switch (self, other) {
      case (.change(let seq), .edit(let same)), (.change(let seq), .deletion(let same)),
        (.edit(let seq), .change(let same)), (.deletion(let seq), .change(let same)):
        seq == same
      default: self == other
      }
    }
  }

  /// A claim about an event, and who made it.
  struct Claim: Sendable {
    var entry: Entry
    /// Known where the event was seen live or was asked for.
    var text: String?
    /// Of a message.
    var user: String?
    var ref: String?
    var source: Source
  }

  /// Told in words only where it is needed: a run has millions.
  enum Source: Sendable, CustomStringConvertible {
    case attempt(Attempt)
    case frame(Subscription.Entry, of: String)

    var description: String {
      switch self {
      case .attempt(let attempt): "\(attempt)"
      case .frame(let entry, let title): "\(title), \(entry.time) ms: \(entry.frame)"
      }
    }
  }

  let room: Int64
  private(set) var claims: [Int64: Claim] = [:]
  /// The event that created each message.
  private(set) var created: [Int64: Int64] = [:]
  /// The event that deleted each message.
  private(set) var deleted: [Int64: Int64] = [:]
  /// The created messages, rising by event.
  private(set) var creations: [(event: Int64, seq: Int64)] = []
  private(set) var breaches: [Breach] = []

  init(room: Int64, attempts: [Attempt], subscriptions: [Subscription]) {
    self.room = room
    for attempt in attempts { for ack in attempt.acknowledgements { add(attempt, ack) } }
    for subscription in subscriptions { add(subscription) }
    creations = created.map { ($0.value, $0.key) }.sorted { $0.event < $1.event }
  }

  /// Messages that were created by an event after the one and up to the other.
  func creations(after: Int64, through: Int64) -> some Sequence<(event: Int64, seq: Int64)> {
    let first = creations.partitioningIndex { $0.event > after }
    return creations[first...].prefix { $0.event <= through }
  }

  private mutating func add(_ attempt: Attempt, _ ack: Attempt.Acknowledgement) {
    var claim = Claim(entry: .message(seq: ack.seq), text: attempt.text, source: .attempt(attempt))
    switch attempt.action {
    case .send:
      claim.user = attempt.user
      claim.ref = attempt.ref
    case .edit(let seq, _): claim.entry = .edit(seq: seq)
    case .delete(let seq): claim.entry = .deletion(seq: seq)
    }
    add(claim, at: ack.event)
  }

  private mutating func add(_ subscription: Subscription) {
    let title = subscription.title
    var isLive = false
    for item in subscription.entries {
      let source = Source.frame(item, of: title)
      switch item.frame {
      case .ready: isLive = false
      case .replayed: isLive = true
      case .message(let seen):
        let text = isLive ? seen.text : nil
        let entry = Entry.message(seq: seen.seq)
        add(Claim(entry: entry, text: text, user: seen.user, ref: seen.ref, source: source), at: seen.event)
      case .edited(let seen):
        let entry = isLive ? Entry.edit(seq: seen.seq) : .change(seq: seen.seq)
        add(Claim(entry: entry, text: isLive ? seen.text : nil, source: source), at: seen.revised)
      case .deleted(let event, let seq):
        add(Claim(entry: isLive ? .deletion(seq: seq) : .change(seq: seq), source: source), at: event)
      case .removed(let event): add(Claim(entry: .removal, source: source), at: event)
      }
    }
  }

  private mutating func add(_ claim: Claim, at event: Int64) {
    guard let known = claims[event] else {
      claims[event] = claim
      return note(claim, event)
    }
    guard known.agrees(with: claim) else { return disagree(event, known.source, claim.source) }
    if case .change = known.entry, claim.entry != known.entry {
      claims[event]?.entry = claim.entry
      note(claim, event)
    }
    if known.text == nil { claims[event]?.text = claim.text }
  }

  /// A message is created once and deleted once.
  private mutating func note(_ claim: Claim, _ event: Int64) {
    switch claim.entry {
    case .message(let seq): once(\.created, seq, event, claim.source)
    case .deletion(let seq): once(\.deleted, seq, event, claim.source)
    case .edit, .change, .removal: break
    }
  }

  private mutating func once(
    _ events: WritableKeyPath<RoomLog, [Int64: Int64]>, _ seq: Int64, _ event: Int64, _ source: Source
  ) {
    if let known = self[keyPath: events][seq] {
      disagree(known, claims[known]?.source, source)
    } else {
      self[keyPath: events][seq] = event
    }
  }

  private mutating func disagree(_ event: Int64, _ first: Source?, _ second: Source) {
    breaches.append(
      Breach(.oneOrder, room: room, "two truths about event \(event)", [first?.description ?? "", second.description]))
  }
}

extension RoomLog.Claim {
  fileprivate func agrees(with other: Self) -> Bool {
    func same(_ left: String?, _ right: String?) -> Bool { left == nil || right == nil || left == right }
    return entry.agrees(with: other.entry) && same(text, other.text) && same(user, other.user) && same(ref, other.ref)
  }
}
