import Drivers

/// A message as a client saw it.
struct SeenMessage: Sendable, Equatable {
  var seq: Int64
  /// The event that created it.
  var event: Int64
  /// The event that last changed it.
  var revised: Int64
  var user: String
  var ref: String?
  var text: String
}

/// What a server told a client about a room.
enum Frame: Sendable, Equatable {
  case ready(epoch: String, lastEvent: Int64, lastSeq: Int64, isComplete: Bool, isReset: Bool)
  case message(SeenMessage)
  case edited(SeenMessage)
  case deleted(event: Int64, seq: Int64)
  /// A member's removal, or the room's closure.
  case removed(event: Int64)
  case replayed(through: Int64)

  /// Where it stands among the room's events.
  var event: Int64? {
    switch self {
    case .message(let message): message.event
    case .edited(let message): message.revised
    case .deleted(let event, _), .removed(let event): event
    case .ready, .replayed: nil
    }
  }

  var text: SeenMessage? {
    switch self {
    case .message(let message), .edited(let message): message
    default: nil
    }
  }
}

/// A client following one room on one connection.
struct Subscription: Sendable, Equatable {
  struct Entry: Sendable, Equatable {
    var time: RunTime
    var frame: Frame
  }

  var client: String
  var room: Int64
  var server: Int
  /// What the client asked to resume from.
  var since: Int64?
  /// How many messages it asked for.
  var limit: Int
  var entries: [Entry] = []
  /// How it ended; `nil` if it still stood when the run was over.
  var end: String?

  init(client: String, room: Int64, server: Int, since: Int64?, limit: Int) {
    self.client = client
    self.room = room
    self.server = server
    self.since = since
    self.limit = limit
  }

  var title: String { "\(client) in room \(room) at server \(server) since \(since.map(String.init) ?? "the newest")" }
}

/// A page of history as a client got it.
struct Page: Sendable, Equatable {
  var client: String
  var room: Int64
  var server: Int
  var began: RunTime
  var ended: RunTime
  /// Messages before this seq were asked for; `nil`: the newest.
  var before: Int64?
  var messages: [SeenMessage]
}

extension SeenMessage {
  /// - Parameter json: a message of a page or of a `message` or `edited` frame. `nil` if something is missing.
  init?(_ json: JSONValue) {
    guard let seq = json["seq"]?.integer, let event = json["event"]?.integer,
      let revised = json["revised"]?.integer, let user = json["user"]?.string, let text = json["text"]?.string
    else { return nil }
    self.init(
      seq: seq, event: event, revised: revised, user: user,
      ref: RawUser.ref(json["ref"]?.string, user: user, text: text), text: text)
  }
}

extension Frame {
  /// - Parameter json: a frame of `palaver.v1`. `nil` for frames that have no place among a room's events.
  init?(_ json: JSONValue) {
    switch json["type"]?.string {
    case "ready":
      guard let epoch = json["epoch"]?.string, let event = json["last_event"]?.integer,
        let seq = json["last_seq"]?.integer, let isComplete = json["complete"]?.boolean
      else { return nil }
      self = .ready(
        epoch: epoch, lastEvent: event, lastSeq: seq, isComplete: isComplete,
        isReset: json["reset"]?.boolean ?? false)
    case "message":
      guard let message = SeenMessage(json) else { return nil }
      self = .message(message)
    case "edited":
      guard let message = SeenMessage(json), message.event == message.revised else { return nil }
      self = .edited(message)
    case "deleted":
      guard let event = json["event"]?.integer, let seq = json["seq"]?.integer else { return nil }
      self = .deleted(event: event, seq: seq)
    case "removed":
      guard let event = json["event"]?.integer else { return nil }
      self = .removed(event: event)
    case "replayed":
      guard let through = json["through"]?.integer else { return nil }
      self = .replayed(through: through)
    default: return nil
    }
  }

  /// The types that `init` must understand: one of these that it does not is a broken promise.
  static let types: Set<String> = ["ready", "message", "edited", "deleted", "removed", "replayed"]
}
