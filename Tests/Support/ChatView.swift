import Drivers

/// A message as a client remembers it.
public struct ViewedMessage: Equatable, Sendable, CustomStringConvertible {
  public var seq: Int64
  public var user: String
  public var text: String
  /// The event that last changed it.
  public var revised: Int64
  public var timestamp: Int64

  public init?(_ json: JSONValue) {
    guard let seq = json["seq"]?.integer, let user = json["user"]?.string, let text = json["text"]?.string,
      let revised = json["revised"]?.integer, let timestamp = json["timestamp"]?.integer
    else { return nil }
    self.seq = seq
    self.user = user
    self.text = text
    self.revised = revised
    self.timestamp = timestamp
  }

  public var description: String { "\(seq)@\(revised) \(user): \(text.prefix(40))" }
}

/// What a `palaver.v1` client knows of one room from its frames alone, across connections.
///
/// Follows the rules that the contract gives to clients, and throws at the first frame that breaks the server's side of
/// them: events that do not rise, live events that are not dense, frames out of place.
public struct ChatView: Sendable {
  private enum Phase: Equatable, Sendable {
    /// Before `ready`.
    case joining
    /// Between `ready` and `replayed`, which ends at the event that `ready` named.
    case replaying(through: Int64)
    case live
  }

  public let room: Int64
  public private(set) var epoch: String?
  public private(set) var messages: [Int64: ViewedMessage] = [:]
  /// The newest event that was seen: what to resume from.
  public private(set) var lastEvent: Int64 = 0
  /// False if older messages than those held may exist: page with `history`.
  public private(set) var isComplete = true
  /// The oldest message of the unbroken stretch that the view holds: an edit of an older one is none of its business.
  public private(set) var oldestHeld: Int64?
  /// Live events seen on this connection.
  public private(set) var liveEvents = 0
  private var phase = Phase.joining

  public init(room: Int64) { self.room = room }

  public var isLive: Bool { phase == .live }

  /// Where to join again: `nil` on the first time.
  public var resumeTarget: String { epoch.map { "&since=\(lastEvent)&epoch=\($0)" } ?? "" }

  /// A new connection begins.
  public mutating func reconnect() {
    phase = .joining
    liveEvents = 0
  }

  /// Takes in a frame; those without a number in the room (`ack`, `presence`, …) pass.
  public mutating func apply(_ frame: JSONValue) throws {
    switch frame["type"]?.string {
    case "ready": try begin(frame)
    case "replayed": try endReplay(frame)
    case "message": try add(frame)
    case "edited":
      guard let message = ViewedMessage(frame) else { throw broken("fields missing", frame) }
      try advance(frame)
      if let oldestHeld, message.seq >= oldestHeld { messages[message.seq] = message }
    case "deleted":
      try advance(frame)
      guard let seq = frame["seq"]?.integer else { throw broken("no seq", frame) }
      messages[seq] = nil
    case "removed": try advance(frame)
    case nil: throw broken("no type", frame)
    default: break
    }
  }

  private mutating func add(_ frame: JSONValue) throws {
    guard let message = ViewedMessage(frame) else { throw broken("fields missing", frame) }
    try advance(frame)
    messages[message.seq] = message
    oldestHeld = min(oldestHeld ?? message.seq, message.seq)
  }

  /// Takes in a page of `history`, of messages that the view does not hold yet.
  public mutating func add(page: [JSONValue]) throws {
    for json in page {
      guard let message = ViewedMessage(json) else { throw broken("fields missing", json) }
      if let known = messages[message.seq], known.revised >= message.revised { continue }
      messages[message.seq] = message
      oldestHeld = min(oldestHeld ?? message.seq, message.seq)
    }
  }

  private mutating func begin(_ frame: JSONValue) throws {
    guard phase == .joining else { throw broken("a second ready", frame) }
    guard let last = frame["last_event"]?.integer, let complete = frame["complete"]?.boolean,
      let epoch = frame["epoch"]?.string, frame["last_seq"]?.integer != nil
    else { throw broken("fields missing", frame) }
    if !complete || frame["reset"]?.boolean == true || self.epoch == nil {
      messages = [:]
      oldestHeld = nil
      lastEvent = 0
      isComplete = complete
    }
    self.epoch = epoch
    phase = .replaying(through: last)
  }

  private mutating func endReplay(_ frame: JSONValue) throws {
    guard case .replaying(let last) = phase else { throw broken("replayed out of place", frame) }
    guard let through = frame["through"]?.integer else { throw broken("no through", frame) }
    guard through == last, lastEvent <= through else { throw broken("replayed through another event", frame) }
    lastEvent = through
    phase = .live
  }

  private mutating func advance(_ frame: JSONValue) throws {
    guard let event = frame["event"]?.integer else { throw broken("no event", frame) }
    if let named = frame["room"]?.integer, named != room { throw broken("another room", frame) }
    switch phase {
    case .joining: throw broken("before ready", frame)
    case .replaying(let through):
      guard event > lastEvent, event <= through else { throw broken("replay does not rise", frame) }
    case .live:
      guard event == lastEvent + 1 else { throw broken("live events are not dense", frame) }
      liveEvents += 1
    }
    lastEvent = event
  }

  private func broken(_ what: String, _ frame: JSONValue) -> TestSupportError {
    TestSupportError("\(what), after event \(lastEvent) of room \(room) (\(phase)): \(frame.compact.prefix(300))")
  }
}
