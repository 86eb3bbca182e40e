/// Checks a room's final history against the changes that were acknowledged.
struct MessageCheck {
  let record: RoomRecord
  let log: RoomLog
  let attempts: [Attempt]

  func breaches() -> [Breach] {
    let changes = MessageChanges(attempts: attempts)
    return numbering(changes) + sends(changes) + states(changes)
  }

  /// The last message that the record speaks of.
  private var told: Int64 { record.refusal == nil ? record.lastSeq : record.messages.last?.seq ?? 0 }

  private func breach(_ promise: Promise, _ what: String, _ evidence: [String] = []) -> Breach {
    Breach(promise, room: record.room, "at server \(record.server): \(what)", evidence)
  }

  private func numbering(_ changes: MessageChanges) -> [Breach] {
    var breaches: [Breach] = []
    for (one, next) in zip(record.messages, record.messages.dropFirst()) where next.seq <= one.seq {
      breaches.append(breach(.dense, "message \(next.seq) follows \(one.seq)", ["\(one)", "\(next)"]))
    }
    if let last = record.messages.last, last.seq > record.lastSeq {
      breaches.append(breach(.dense, "message \(last.seq) lies beyond the last, \(record.lastSeq)", ["\(last)"]))
    }
    let present = Set(record.messages.map(\.seq))
    let holes = (1..<max(1, told + 1)).filter { !present.contains($0) && !changes.mayBeDeleted($0) }
    // A hole with an owner is a lost message, and told as such.
    let acknowledged = Set(attempts.flatMap { $0.target == nil ? $0.acknowledgements.map(\.seq) : [] })
    for seq in holes where !acknowledged.contains(seq) {
      breaches.append(breach(.dense, "message \(seq) of \(record.lastSeq) is missing, and nobody deleted it"))
    }
    return breaches
  }

  private func sends(_ changes: MessageChanges) -> [Breach] {
    let bySeq = Dictionary(record.messages.map { ($0.seq, $0) }) { first, _ in first }
    var breaches: [Breach] = []
    for attempt in attempts where attempt.target == nil {
      guard let ack = attempt.acknowledgements.first else { continue }
      if let message = bySeq[ack.seq] {
        guard message.user == attempt.user, message.ref == attempt.ref else {
          breaches.append(breach(.kept, "message \(ack.seq) is another's", ["\(attempt)", "\(message)"]))
          continue
        }
      } else if ack.seq <= told || record.refusal == nil, !changes.mayBeDeleted(ack.seq) {
        breaches.append(
          breach(.kept, "message \(ack.seq) is lost (the last is \(record.lastSeq))", ["\(attempt)"]))
      }
    }
    return breaches + inventedOrDoubled()
  }

  private func inventedOrDoubled() -> [Breach] {
    let asked = Set(attempts.compactMap { $0.target == nil ? $0.key : nil })
    var seen: [RefKey: SeenMessage] = [:]
    var breaches: [Breach] = []
    for message in record.messages {
      let key = RefKey(room: record.room, user: message.user, ref: message.ref ?? "")
      if !asked.contains(key) {
        breaches.append(breach(.nothingInvented, "nobody sent message \(message.seq)", ["\(message)"]))
      } else if let first = seen[key], first.seq != message.seq {
        breaches.append(breach(.storedOnce, "one ref, two messages", ["\(first)", "\(message)"]))
      }
      seen[key] = message
    }
    return breaches
  }

  private func states(_ changes: MessageChanges) -> [Breach] {
    let present = Set(record.messages.map(\.seq))
    var breaches = record.messages.compactMap { message in
      changes.fault(of: message).map { breach($0, message, changes) }
    }
    for (seq, last) in changes.lastAcknowledged where !present.contains(seq) && !changes.mayBeDeleted(seq) {
      breaches.append(breach(.changesKept, "message \(seq) is gone, and its last change with it", [last.description]))
    }
    for (seq, event) in log.deleted {
      let later = attempts.filter {
        $0.target == seq && !$0.isDeletion && ($0.lastEvent ?? 0) > event
      }
      for edit in later {
        breaches.append(
          breach(.deletedStaysDeleted, "an edit of message \(seq) after its deletion at \(event)", ["\(edit)"]))
      }
    }
    return breaches
  }

  private func breach(_ promise: Promise, _ message: SeenMessage, _ changes: MessageChanges) -> Breach {
    breach(promise, "message \(message.seq)", ["\(message)"] + changes.of(message.seq).map(\.description))
  }
}
