/// Compares what clients sent, were told and saw with what is stored in the end. Pure.
struct Checker {
  let evidence: Evidence

  static func check(_ evidence: Evidence) -> Verdict { Checker(evidence: evidence).verdict() }

  private func verdict() -> Verdict {
    var verdict = counts()
    verdict.breaches = evidence.nonsense.map { Breach(.framesInPlace, room: 0, $0) }
    let records = Dictionary(grouping: evidence.rooms, by: \.room)
    for (room, records) in records.sorted(by: { $0.key < $1.key }) {
      verdict.breaches += breaches(of: room, records.sorted { $0.server < $1.server })
    }
    return verdict
  }

  private func breaches(of room: Int64, _ records: [RoomRecord]) -> [Breach] {
    guard let record = records.first else { return [] }
    let attempts = evidence.attempts.filter { $0.room == room }
    let subscriptions = evidence.subscriptions.filter { $0.room == room }
    let log = RoomLog(room: room, attempts: attempts, subscriptions: subscriptions)
    let mayBeDeleted = Set(attempts.compactMap { $0.isDeletion && $0.mayHaveHappened ? $0.target : nil })
    var breaches = LogCheck(log: log, attempts: attempts, lastEvent: record.lastEvent).breaches()
    breaches += records.compactMap(refusal) + disagreements(record, records.dropFirst())
    breaches += MessageCheck(record: record, log: log, attempts: attempts).breaches()
    for subscription in subscriptions {
      breaches += SubscriptionCheck(subscription, log: log, mayBeDeleted: mayBeDeleted).findBreaches()
    }
    for own in Dictionary(grouping: subscriptions, by: \.client).sorted(by: { $0.key < $1.key }) {
      breaches += ViewCheck(subscriptions: own.value, record: record).breaches()
    }
    let texts = RawCheck.texts(attempts)
    let deletions = RawCheck.deletions(attempts)
    for connection in evidence.rawConnections where connection.room == room {
      breaches += RawCheck(
        connection, log: log, record: record, texts: texts, deletions: deletions, mayBeDeleted: mayBeDeleted
      ).breaches()
    }
    breaches += PageCheck(room: room, attempts: attempts, pages: evidence.pages.filter { $0.room == room }).breaches()
    if let documents = evidence.documents {
      let own = documents.filter { $0.room == room }
      breaches += DocumentCheck(record: record, log: log, documents: own).breaches()
    }
    return breaches
  }

  /// As before a hole.
  private func refusal(_ record: RoomRecord) -> Breach? {
    record.refusal.map {
      let last = record.messages.last?.seq ?? 0
      let what = "at server \(record.server): what follows message \(last) of \(record.lastSeq) cannot be read"
      return Breach(.dense, room: record.room, what, [$0])
    }
  }

  private func disagreements(_ record: RoomRecord, _ others: ArraySlice<RoomRecord>) -> [Breach] {
    others.compactMap { other in
      var same = other
      same.server = record.server
      guard same != record else { return nil }
      let pair = zip(record.messages, other.messages).first { $0 != $1 }
      return Breach(
        .serversAgree, room: record.room, "servers \(record.server) and \(other.server) differ",
        [
          "\(record.messages.count) messages, last \(record.lastSeq) at event \(record.lastEvent)",
          "\(other.messages.count) messages, last \(other.lastSeq) at event \(other.lastEvent)",
          pair.map { "\($0) and \($1)" } ?? "one ends before the other",
        ])
    }
  }

  private func counts() -> Verdict {
    var verdict = Verdict()
    verdict.sent = evidence.attempts.count
    verdict.acknowledged = evidence.attempts.count(where: \.isAcknowledged)
    verdict.unknown = evidence.attempts.count(where: \.isUnknown)
    verdict.refused = verdict.sent - verdict.acknowledged - verdict.unknown
    verdict.subscriptions = evidence.subscriptions.count
    verdict.frames = evidence.subscriptions.reduce(0) { $0 + $1.entries.count }
    verdict.rawConnections = evidence.rawConnections.count
    verdict.frames += evidence.rawConnections.reduce(0) { $0 + $1.messages.count }
    verdict.pages = evidence.pages.count
    verdict.messages = evidence.rooms.reduce(0) { $0 + $1.messages.count }
    verdict.documents = evidence.documents?.count ?? 0
    return verdict
  }
}
