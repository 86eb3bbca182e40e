/// Milliseconds since a run began, on a clock that never goes back.
typealias RunTime = Int64

/// A change that a client asked for under one ref, however often it was sent.
struct Attempt: Sendable, Equatable {
  enum Action: Sendable, Equatable {
    case send(text: String)
    case edit(seq: Int64, text: String)
    case delete(seq: Int64)
  }

  struct Acknowledgement: Sendable, Equatable {
    var seq: Int64
    var event: Int64
    /// Which server said so.
    var server: Int
    var time: RunTime
  }

  var room: Int64
  var user: String
  var ref: String
  var action: Action
  var began: RunTime
  var sendings = 0
  /// Every one that came; of a ref that was sent again there may be several.
  var acknowledgements: [Acknowledgement] = []
  /// The word of an error that says it cannot be done at all.
  var refusal: String?

  init(room: Int64, user: String, ref: String, action: Action, began: RunTime) {
    self.room = room
    self.user = user
    self.ref = ref
    self.action = action
    self.began = began
  }

  var key: RefKey { RefKey(room: room, user: user, ref: ref) }
  var isAcknowledged: Bool { !acknowledgements.isEmpty }
  var isSettled: Bool { isAcknowledged || refusal != nil }

  /// Nobody was told that it happened, and nobody can be sure that it did not: an earlier sending of what was refused in
  /// the end may have been stored.
  var isUnknown: Bool { !isAcknowledged && sendings > 0 && (refusal == nil || sendings > 1) }

  /// A message is stored once, however often its ref comes. An edit that was sent again may be two events: that the
  /// message has its text is what counts.
  var mayHaveHappenedUnseen: Bool {
    isUnknown || (target != nil && sendings > Set(acknowledgements.map(\.event)).count)
  }

  /// How many events it may be that nobody was told of.
  var unseenEvents: Int {
    if target == nil { return isUnknown ? 1 : 0 }
    return isUnknown || isAcknowledged ? max(0, sendings - Set(acknowledgements.map(\.event)).count) : 0
  }

  /// Where its last effect is known to be: an edit that came again is an edit again.
  var lastEvent: Int64? {
    target == nil ? acknowledgements.first?.event : acknowledgements.map(\.event).max()
  }

  var mayHaveHappened: Bool { isAcknowledged || isUnknown }

  /// The message that it changes; `nil` for a new one.
  var target: Int64? {
    switch action {
    case .send: nil
    case .edit(let seq, _), .delete(let seq): seq
    }
  }

  var isDeletion: Bool { if case .delete = action { true } else { false } }

  /// The text that it leaves behind; `nil` for a deletion.
  var text: String? {
    switch action {
    case .send(let text), .edit(_, let text): text
    case .delete: nil
    }
  }
}

/// What makes a ref unique.
struct RefKey: Hashable, Sendable {
  var room: Int64
  var user: String
  var ref: String
}

extension Attempt: CustomStringConvertible {
  var description: String {
    let what =
      switch action {
      case .send(let text): "send '\(text.prefix(40))'"
      case .edit(let seq, let text): "edit \(seq) to '\(text.prefix(40))'"
      case .delete(let seq): "delete \(seq)"
      }
    let acks = acknowledgements.map {
      "acknowledged as \($0.seq) at event \($0.event) by server \($0.server), \($0.time) ms"
    }
    let outcome = acks.isEmpty ? [refusal.map { "refused: \($0)" } ?? "unknown"] : acks
    return "\(user) \(ref): \(what), begun \(began) ms, sent \(sendings)x; \(outcome.joined(separator: "; "))"
  }
}
