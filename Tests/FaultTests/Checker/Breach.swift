/// What Palaver promises, as far as a run can prove that it was broken.
enum Promise: String, Sendable, CaseIterable {
  case kept = "an acknowledged message is in the history"
  case unaltered = "a message has the text of its last change"
  case changesKept = "an acknowledged change is visible"
  case deletedStaysDeleted = "a deleted message stays deleted"
  case deletedTextIsGone = "no reply has the text of a message that was deleted before"
  case storedOnce = "what was sent twice is stored once"
  case sameAnswer = "the same ref gets the same answer"
  case oneEventEach = "an event is one change"
  case nothingInvented = "everything stored was sent"
  case dense = "messages and events are numbered without a hole"
  case oneOrder = "everybody sees the same at the same event"
  case rising = "events rise on a connection, none twice"
  case replayWhole = "a replay leaves nothing out"
  case noGap = "live events follow the replay and each other without a gap"
  case framesInPlace = "frames come in their places"
  case viewTrue = "what a client made of its frames is the history"
  case pageTrue = "a page has what was acknowledged before it was asked for"
  case serversAgree = "every server tells the same history"
  case indexed = "the index has every message"
  case indexTrue = "a document is its message"
  case indexOnce = "the index has a message once"
}

/// A broken promise and the smallest piece of history that shows it.
struct Breach: Sendable, CustomStringConvertible {
  var promise: Promise
  var room: Int64
  var what: String
  var evidence: [String]

  init(_ promise: Promise, room: Int64, _ what: String, _ evidence: [String] = []) {
    self.promise = promise
    self.room = room
    self.what = what
    self.evidence = evidence
  }

  var description: String {
    (["Broken: \(promise.rawValue). Room \(room): \(what)"] + evidence.map { "    \($0)" }).joined(separator: "\n")
  }
}

/// What a check found, and how much it looked at.
struct Verdict: Sendable, CustomStringConvertible {
  var breaches: [Breach] = []
  var sent = 0
  var acknowledged = 0
  var refused = 0
  var unknown = 0
  var frames = 0
  var subscriptions = 0
  var rawConnections = 0
  var pages = 0
  var messages = 0
  var documents = 0

  var broken: Set<Promise> { Set(breaches.map(\.promise)) }
  var isClean: Bool { breaches.isEmpty }

  /// Breaches printed in full of each promise.
  private static let shown = 3

  var description: String {
    let counts =
      "\(sent) changes sent, \(acknowledged) acknowledged, \(refused) refused, \(unknown) unknown; "
      + "\(subscriptions) joins, \(rawConnections) raw joins, \(frames) frames, \(pages) pages, \(messages) messages, \(documents) documents checked"
    let byPromise = Dictionary(grouping: breaches, by: \.promise).sorted { $0.key.rawValue < $1.key.rawValue }
    let texts = byPromise.map { promise, breaches in
      "\(breaches.count) × \(promise.rawValue)\n"
        + breaches.prefix(Self.shown).map(\.description).joined(separator: "\n")
    }
    return ([counts] + texts).joined(separator: "\n")
  }
}
