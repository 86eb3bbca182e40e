/// Checks what happened against what was asked for: nothing invented, nothing twice, no number unexplained.
struct LogCheck {
  let log: RoomLog
  let attempts: [Attempt]
  let lastEvent: Int64

  func breaches() -> [Breach] {
    log.breaches + unequalAnswers() + sharedEvents() + invented() + storedTwice() + unexplained()
  }

  private func unequalAnswers() -> [Breach] {
    attempts.compactMap { attempt in
      let answers = Set(attempt.acknowledgements.map { attempt.target == nil ? [$0.seq, $0.event] : [$0.seq] })
      // An edit that comes again is an edit again, and refused if the message was deleted meanwhile.
      let isRevoked = attempt.target == nil && attempt.isAcknowledged && attempt.refusal != nil
      guard answers.count > 1 || isRevoked else { return nil }
      return Breach(.sameAnswer, room: log.room, "ref \(attempt.ref) was answered differently", ["\(attempt)"])
    }
  }

  /// Two changes acknowledged with one event. A message may be deleted under two refs: that is one event.
  private func sharedEvents() -> [Breach] {
    var owners: [Int64: Attempt] = [:]
    var breaches: [Breach] = []
    for attempt in attempts {
      for event in Set(attempt.acknowledgements.map(\.event)) {
        if let owner = owners[event], !(owner.isDeletion && owner.action == attempt.action) {
          breaches.append(
            Breach(
              .oneEventEach, room: log.room, "event \(event) was acknowledged to two", ["\(owner)", "\(attempt)"]))
        }
        owners[event] = attempt
      }
    }
    return breaches
  }

  private func invented() -> [Breach] {
    let sends = Set(attempts.compactMap { $0.target == nil ? Asked(user: $0.user, ref: $0.ref, text: $0.text) : nil })
    let refs = Set(sends.map { Asked(user: $0.user, ref: $0.ref) })
    let edits = Set(attempts.compactMap { $0.isDeletion ? nil : Asked(target: $0.target, text: $0.text) })
    let targets = Set(attempts.compactMap(\.target))
    let deletions = Set(attempts.compactMap { $0.isDeletion ? $0.target : nil })
    return log.claims.compactMap { event, claim in
      let wasAsked =
        switch claim.entry {
        case .message:
          claim.text == nil
            ? refs.contains(Asked(user: claim.user, ref: claim.ref))
            : sends.contains(Asked(user: claim.user, ref: claim.ref, text: claim.text))
        case .edit(let seq): claim.text == nil || edits.contains(Asked(target: seq, text: claim.text))
        case .deletion(let seq): deletions.contains(seq)
        case .change(let seq): targets.contains(seq)
        case .removal: true
        }
      return wasAsked
        ? nil : Breach(.nothingInvented, room: log.room, "nobody asked for event \(event)", [claim.source.description])
    }
  }

  private func storedTwice() -> [Breach] {
    var events: [Asked: (event: Int64, claim: RoomLog.Claim)] = [:]
    var breaches: [Breach] = []
    for (event, claim) in log.claims.sorted(by: { $0.key < $1.key }) {
      guard case .message = claim.entry, let ref = claim.ref else { continue }
      let key = Asked(user: claim.user, ref: ref)
      if let first = events[key] {
        breaches.append(
          Breach(
            .storedOnce, room: log.room, "ref \(ref) is events \(first.event) and \(event)",
            [first.claim.source.description, claim.source.description]))
      } else {
        events[key] = (event, claim)
      }
    }
    return breaches
  }

  /// Events that nobody saw and nobody was told of can only be changes whose outcome is unknown.
  private func unexplained() -> [Breach] {
    var breaches: [Breach] = []
    let beyond = log.claims.filter { $0.key > lastEvent || $0.key < 1 }
    for (event, claim) in beyond.sorted(by: { $0.key < $1.key }) {
      breaches.append(
        Breach(
          .dense, room: log.room, "event \(event) lies beyond the room's last, \(lastEvent)", [claim.source.description]
        ))
    }
    let silent = (1..<max(1, lastEvent + 1)).filter { log.claims[$0] == nil }
    let unknown = attempts.filter { $0.unseenEvents > 0 }
    if silent.count > unknown.reduce(0, { $0 + $1.unseenEvents }) {
      breaches.append(
        Breach(
          .dense, room: log.room, "events \(silent.prefix(20)) are nobody's, with \(unknown.count) changes unknown",
          unknown.prefix(5).map(\.description)))
    }
    return breaches
  }

  /// What was asked for, as far as a claim tells.
  private struct Asked: Hashable {
    var user: String?
    var ref: String?
    var target: Int64?
    var text: String?
  }
}
