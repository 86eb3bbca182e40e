import Drivers

/// A message as a raw client sees it.
struct RawMessage: Sendable, Equatable {
  var seq: Int64
  var event: Int64
  var user: String
  var text: String
  var time: RunTime

  /// `nil` if something is missing.
  init?(_ json: JSONValue, room: Int64, time: RunTime) {
    guard json["chatroom"]?.integer == room, let user = json["user"]?.string, let text = json["message"]?.string,
      let seq = json["seq"]?.integer, let event = json["event"]?.integer, json["timestamp"]?.integer != nil,
      json["id"]?.string == "\(room)-\(seq)"
    else { return nil }
    self.init(seq: seq, event: event, user: user, text: text, time: time)
  }

  init(seq: Int64, event: Int64, user: String, text: String, time: RunTime) {
    self.seq = seq
    self.event = event
    self.user = user
    self.text = text
    self.time = time
  }
}

/// What a raw client got on one connection: messages and nothing else.
struct RawConnection: Sendable, Equatable {
  /// Messages that a join plays back without `since`.
  static let playback = 100

  var client: String
  var room: Int64
  var server: Int
  /// The event it asked to resume from.
  var since: Int64?
  var began: RunTime
  var messages: [RawMessage] = []
  /// How it ended; `nil` if it still stood when the run was over.
  var end: String?

  var title: String { "\(client) (raw) in room \(room) at server \(server) since \(since.map(String.init) ?? "-")" }
}

/// The raw protocol has no refs: a raw user's messages are told apart by their texts, of which none is sent twice.
enum RawUser {
  static let prefix = "raw-"

  static func ref(_ ref: String?, user: String, text: String?) -> String? {
    user.hasPrefix(prefix) ? text : ref
  }
}
