import Drivers
import TestSupport

/// A run that kept every promise, made up from a seed: what a faultless server would have answered to a few clients who
/// write, edit, delete, leave and come back. The checker's tests break it in one place each.
struct SyntheticRun {
  static let room: Int64 = 7

  private struct Event {
    var event: Int64
    var frame: Frame
    var time: RunTime
  }

  private var random: SplitMix64
  private var events: [Event] = []
  private var messages: [Int64: SeenMessage] = [:]
  private var deletions: [Int64: Int64] = [:]
  private var lastSeq: Int64 = 0
  private var evidence = Evidence()

  static func evidence(seed: UInt64 = 1, events: Int = 120, clients: Int = 3) -> Evidence {
    var run = SyntheticRun(random: SplitMix64(seed: seed))
    for number in 1...events { run.happen(number) }
    for client in 1...clients { run.follow("client-\(client)") }
    run.readPages()
    run.finish()
    return run.evidence
  }

  private init(random: SplitMix64) { self.random = random }

  // MARK: What happens

  private mutating func happen(_ number: Int) {
    let event = Int64(number)
    let time = event * 10
    let user = "user-\(number % 3)"
    let alive = messages.values.filter { $0.user == user && deletions[$0.seq] == nil }.map(\.seq).sorted()
    let choice = Int.random(in: 0..<10, using: &random)
    if choice < 2, let seq = alive.randomElement(using: &random) {
      edit(seq, event, user, time)
    } else if choice < 3, let seq = alive.randomElement(using: &random) {
      delete(seq, event, user, time)
    } else {
      send(event, user, time)
    }
  }

  private mutating func send(_ event: Int64, _ user: String, _ time: RunTime) {
    lastSeq += 1
    let message = SeenMessage(
      seq: lastSeq, event: event, revised: event, user: user, ref: "r\(event)", text: "text \(event)")
    messages[lastSeq] = message
    events.append(Event(event: event, frame: .message(message), time: time))
    attempt(.send(text: message.text), event, lastSeq, user, time)
  }

  private mutating func edit(_ seq: Int64, _ event: Int64, _ user: String, _ time: RunTime) {
    guard var message = messages[seq] else { return }
    message.revised = event
    message.text = "edited \(event)"
    messages[seq] = message
    var shown = message
    shown.event = event
    events.append(Event(event: event, frame: .edited(shown), time: time))
    attempt(.edit(seq: seq, text: message.text), event, seq, user, time)
  }

  private mutating func delete(_ seq: Int64, _ event: Int64, _ user: String, _ time: RunTime) {
    deletions[seq] = event
    events.append(Event(event: event, frame: .deleted(event: event, seq: seq), time: time))
    attempt(.delete(seq: seq), event, seq, user, time)
  }

  private mutating func attempt(
    _ action: Attempt.Action, _ event: Int64, _ seq: Int64, _ user: String, _ time: RunTime
  ) {
    var attempt = Attempt(room: Self.room, user: user, ref: "r\(event)", action: action, began: time - 5)
    attempt.sendings = event % 10 == 0 ? 2 : 1
    attempt.acknowledgements = (0..<attempt.sendings).map {
      .init(seq: seq, event: event, server: $0, time: time + 1)
    }
    evidence.attempts.append(attempt)
  }

  // MARK: What clients see

  /// Joins at some event, follows, leaves, comes back later, to the end.
  private mutating func follow(_ client: String) {
    var joined = Int64.random(in: 1...20, using: &random)
    var since: Int64?
    let last = Int64(events.count)
    while true {
      let stays = Int64.random(in: 10...40, using: &random)
      let left = min(last, joined + stays)
      evidence.subscriptions.append(subscription(client, since: since, joined: joined, left: left))
      if left == last { return }
      since = left
      joined = min(last, left + Int64.random(in: 0...15, using: &random))
    }
  }

  private func subscription(_ client: String, since: Int64?, joined: Int64, left: Int64) -> Subscription {
    var subscription = Subscription(client: client, room: Self.room, server: 0, since: since, limit: 100)
    let time = joined * 10 + 2
    func add(_ frame: Frame, _ time: RunTime) { subscription.entries.append(.init(time: time, frame: frame)) }
    let seq = Int64(events.count { if case .message = $0.frame { $0.event <= joined } else { false } })
    add(.ready(epoch: "e", lastEvent: joined, lastSeq: seq, isComplete: true, isReset: false), time)
    for frame in replay(after: since, through: joined) { add(frame, time) }
    add(.replayed(through: joined), time)
    for event in events where event.event > joined && event.event <= left { add(event.frame, event.time) }
    subscription.end = left == Int64(events.count) ? nil : "left"
    return subscription
  }

  private func replay(after since: Int64?, through joined: Int64) -> [Frame] {
    var states: [Int64: (position: Int64, frame: Frame?)] = [:]
    for event in events where event.event <= joined {
      switch event.frame {
      case .message(let message): states[message.seq] = (message.event, event.frame)
      case .edited(let message):
        guard let created = messages[message.seq]?.event else { continue }
        var state = message
        let isNew = created > since ?? 0
        state.event = isNew ? created : message.event
        states[message.seq] = isNew ? (created, .message(state)) : (message.event, .edited(state))
      case .deleted(_, let seq):
        let isNew = messages[seq]?.event ?? 0 > since ?? 0
        states[seq] = (event.event, isNew ? nil : event.frame)
      default: continue
      }
    }
    return states.values.filter { $0.position > since ?? 0 }.sorted { $0.position < $1.position }.compactMap(\.frame)
  }

  private mutating func readPages() {
    for time in stride(from: RunTime(205), to: RunTime(events.count * 10), by: 200) {
      var states: [Int64: SeenMessage] = [:]
      for event in events where event.time < time {
        switch event.frame {
        case .message(let message): states[message.seq] = message
        case .edited(var message):
          message.event = messages[message.seq]?.event ?? 0
          states[message.seq] = message
        case .deleted(_, let seq): states[seq] = nil
        default: continue
        }
      }
      evidence.pages.append(
        Page(
          client: "reader", room: Self.room, server: 1, began: time, ended: time + 3, before: nil,
          messages: Array(states.values.sorted { $0.seq < $1.seq }.suffix(50))))
    }
  }

  private mutating func finish() {
    let alive = messages.values.filter { deletions[$0.seq] == nil }.sorted { $0.seq < $1.seq }
    evidence.rooms = (0..<2).map {
      RoomRecord(
        room: Self.room, server: $0, lastEvent: Int64(events.count), lastSeq: lastSeq, messages: alive)
    }
    evidence.documents = messages.values.sorted { $0.seq < $1.seq }.map { message in
      let deletion = deletions[message.seq]
      return IndexedDocument(
        id: "\(Self.room)|\(message.seq)", version: deletion ?? message.revised, room: Self.room, seq: message.seq,
        event: message.event, revised: deletion ?? message.revised, user: message.user,
        ref: deletion == nil ? message.ref : nil, text: deletion == nil ? message.text : nil,
        isDeleted: deletion != nil)
    }
  }
}
