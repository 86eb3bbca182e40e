import Drivers
import TestSupport

/// What a client wants changed: keeps everything until it is answered, and sends it again on the next connection.
struct Outbox {
  enum Answer {
    case known
    /// Of nothing that this client asked for.
    case unknown
  }

  private struct Pending {
    /// In `attempts`.
    var index: Int
    /// `nil`: sent on this connection, and not answered yet.
    var due: RunTime?
  }

  /// Errors that say that the same may be sent again.
  private static let transient: Set<String> = ["unavailable", "rate_limited", "draining", "too_many_requests"]
  /// More than this and a client waits before it writes more.
  private static let maximumPending = 8

  /// Refs are sent again for so long only, ms: a journal that is trimmed forgets them.
  private static let memory: RunTime = 30_000

  let user: String
  private let client: String
  private(set) var attempts: [Attempt] = []
  private var pending: [String: Pending] = [:]
  private var indices: [String: Int] = [:]
  /// The user's messages that are there, by room.
  private var written: [Int64: [Int64]] = [:]

  init(client: String, user: String) {
    self.client = client
    self.user = user
  }

  var pendingCount: Int { pending.count }

  /// Thinks of something to do: mostly a message; sometimes an edit or a deletion of an own one, a change whose answer
  /// is never waited for, or the same once more.
  mutating func begin(in room: Int64, now: RunTime, random: inout SplitMix64) {
    guard pending.count < Self.maximumPending else { return }
    let choice = Int.random(in: 0..<100, using: &random)
    if choice < 5, let index = attempts.indices.suffix(40).randomElement(using: &random),
      let ack = attempts[index].acknowledgements.first, now - ack.time < Self.memory / 2
    {
      pending[attempts[index].ref] = Pending(index: index, due: now)
      return
    }
    let ref = "\(client)-\(attempts.count)"
    let own = written[room]?.suffix(40).randomElement(using: &random)
    var action = Attempt.Action.send(text: "\(ref) says hello to room \(room)")
    if choice < 25, let own { action = .edit(seq: own, text: "\(ref) changed its mind about \(own)") }
    if choice >= 25, choice < 33, let own { action = .delete(seq: own) }
    indices[ref] = attempts.count
    pending[ref] = Pending(index: attempts.count, due: now)
    attempts.append(Attempt(room: room, user: user, ref: ref, action: action, began: now))
  }

  mutating func connectionEnded() {
    for ref in pending.keys { pending[ref]?.due = 0 }
  }

  /// Frames to send now, oldest first. What is too old to be sent again is given up: nobody will ever know.
  mutating func due(now: RunTime, names room: Bool) -> [String] {
    pending = pending.filter {
      attempts[$0.value.index].sendings == 0 || now - attempts[$0.value.index].began < Self.memory
    }
    let refs = pending.filter { $0.value.due.map { $0 <= now } ?? false }.sorted { $0.value.index < $1.value.index }
    return refs.map { ref, entry in
      pending[ref]?.due = nil
      attempts[entry.index].sendings += 1
      return frame(attempts[entry.index], names: room)
    }
  }

  private func frame(_ attempt: Attempt, names room: Bool) -> String {
    var writer = JSONWriter()
    writer.object {
      switch attempt.action {
      case .send(let text):
        $0.member("type", "send")
        $0.member("text", text)
      case .edit(let seq, let text):
        $0.member("type", "edit")
        $0.member("seq", seq)
        $0.member("text", text)
      case .delete(let seq):
        $0.member("type", "delete")
        $0.member("seq", seq)
      }
      $0.member("ref", attempt.ref)
      if room { $0.member("room", attempt.room) }
    }
    return writer.string
  }

  /// Takes an `ack` or an `error`.
  mutating func take(_ json: JSONValue, server: Int, now: RunTime) -> Answer {
    guard let ref = json["ref"]?.string, let index = indices[ref] else { return .unknown }
    if json["type"]?.string == "ack", let seq = json["seq"]?.integer, let event = json["event"]?.integer {
      attempts[index].acknowledgements.append(.init(seq: seq, event: event, server: server, time: now))
      pending[ref] = nil
    } else if let word = json["error"]?.string {
      refused(ref, index, word, json["retry_after_ms"]?.integer, now)
    }
    return .known
  }

  /// What the client sees of its user's messages, whichever of the user's clients wrote them: these it may change.
  mutating func see(_ frame: Frame, in room: Int64) {
    switch frame {
    case .message(let message) where message.user == user: written[room, default: []].append(message.seq)
    case .deleted(_, let seq): written[room]?.removeAll { $0 == seq }
    default: break
    }
  }

  /// Forgets what was not answered, as a client does that crashes: nobody will ever know.
  mutating func forget() { pending = [:] }

  private mutating func refused(_ ref: String, _ index: Int, _ word: String, _ after: Int64?, _ now: RunTime) {
    if after != nil || Self.transient.contains(word) {
      pending[ref]?.due = now + (after ?? 200)
    } else {
      attempts[index].refusal = word
      pending[ref] = nil
    }
  }
}
