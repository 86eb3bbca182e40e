/// Checks what one raw client was told on one connection.
struct RawCheck {
  private let connection: RawConnection
  private let log: RoomLog
  private let record: RoomRecord
  private let mayBeDeleted: Set<Int64>
  /// Every text that a message may ever have had, by its number; those of unknown sends under 0.
  private let texts: [Int64: Set<String>]
  private let deletions: [Int64: Attempt]

  init(
    _ connection: RawConnection, log: RoomLog, record: RoomRecord, texts: [Int64: Set<String>],
    deletions: [Int64: Attempt], mayBeDeleted: Set<Int64>
  ) {
    self.connection = connection
    self.log = log
    self.record = record
    self.texts = texts
    self.deletions = deletions
    self.mayBeDeleted = mayBeDeleted
  }

  /// What `init` needs of all attempts in a room, once for all connections.
  static func texts(_ attempts: [Attempt]) -> [Int64: Set<String>] {
    var texts: [Int64: Set<String>] = [:]
    for attempt in attempts where attempt.sendings > 0 {
      guard let text = attempt.text else { continue }
      texts[attempt.target ?? attempt.acknowledgements.first?.seq ?? 0, default: []].insert(text)
    }
    return texts
  }

  static func deletions(_ attempts: [Attempt]) -> [Int64: Attempt] {
    Dictionary(attempts.filter { $0.isDeletion && $0.isAcknowledged }.map { ($0.target ?? 0, $0) }) { first, _ in first
    }
  }

  func breaches() -> [Breach] { order() + contents() + holes() + ending() }

  private func order() -> [Breach] {
    zip(connection.messages, connection.messages.dropFirst()).compactMap { one, next in
      guard next.seq <= one.seq || next.event <= one.event else { return nil }
      return breach(.rising, "message \(next.seq) at event \(next.event) comes after \(one.seq)", [one, next])
    }
  }

  private func contents() -> [Breach] {
    connection.messages.compactMap { message in
      let known = texts[message.seq]?.contains(message.text) ?? false
      guard known || texts[0]?.contains(message.text) == true else {
        return breach(.nothingInvented, "nobody gave message \(message.seq) this text", [message])
      }
      if let claim = log.claims[message.event], claim.entry != .message(seq: message.seq) {
        return breach(.oneOrder, "another truth about event \(message.event): \(claim.source)", [message])
      }
      if let ack = deletions[message.seq]?.acknowledgements.first, ack.time < connection.began {
        let deletion = "deleted at event \(ack.event), acknowledged by server \(ack.server) at \(ack.time) ms"
        let join = "joined at \(connection.began) ms"
        return breach(.deletedTextIsGone, "message \(message.seq) was \(deletion), \(join)", [message])
      }
      return nil
    }
  }

  /// Between the first and the last message, and after `since` where that was not too far behind.
  private func holes() -> [Breach] {
    guard let first = connection.messages.first, let last = connection.messages.last else { return [] }
    let seen = Set(connection.messages.map(\.seq))
    var after = first.event
    if let since = connection.since, connection.messages.count < RawConnection.playback { after = min(after, since) }
    let missing = log.creations(after: after, through: last.event).filter {
      !seen.contains($0.seq) && !mayBeDeleted.contains($0.seq)
    }
    guard let hole = missing.first else { return [] }
    return [breach(.noGap, "\(missing.count) messages left out, the first \(hole.seq) (event \(hole.event))", [first])]
  }

  /// A connection that stood to the end has everything since its first message.
  private func ending() -> [Breach] {
    guard connection.end == nil, let first = connection.messages.first else { return [] }
    let seen = Set(connection.messages.map(\.seq))
    return record.messages.filter { $0.seq > first.seq && !seen.contains($0.seq) }.prefix(1).map {
      Breach(
        .viewTrue, room: record.room, "\(connection.client): it never got message \($0.seq)",
        [connection.title, "history: \($0)"])
    }
  }

  private func breach(_ promise: Promise, _ what: String, _ messages: [RawMessage]) -> Breach {
    Breach(promise, room: record.room, what, [connection.title] + messages.map { "\($0)" })
  }
}
