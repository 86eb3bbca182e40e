/// What was done to each message of a room, and which states that allows in the end.
struct MessageChanges {
  private var bySeq: [Int64: [Attempt]] = [:]
  /// The acknowledged change with the highest event.
  private(set) var lastAcknowledged: [Int64: Attempt] = [:]

  init(attempts: [Attempt]) {
    for attempt in attempts where attempt.mayHaveHappened {
      guard let seq = attempt.target ?? attempt.acknowledgements.first?.seq else { continue }
      bySeq[seq, default: []].append(attempt)
      guard let event = attempt.lastEvent else { continue }
      if event > lastAcknowledged[seq]?.lastEvent ?? 0 { lastAcknowledged[seq] = attempt }
    }
  }

  /// In the order in which they were begun.
  func of(_ seq: Int64) -> [Attempt] { bySeq[seq] ?? [] }

  func mayBeDeleted(_ seq: Int64) -> Bool { of(seq).contains(where: \.isDeletion) }

  func mustBeDeleted(_ seq: Int64) -> Bool { of(seq).contains { $0.isDeletion && $0.isAcknowledged } }

  /// What is wrong with a message that is there; `nil` if it may look so.
  func fault(of message: SeenMessage) -> Promise? {
    if mustBeDeleted(message.seq) { return .deletedStaysDeleted }
    guard let last = lastAcknowledged[message.seq], let event = last.lastEvent else {
      return isFromUnknown(message) ? nil : .unaltered
    }
    if message.revised < event { return .changesKept }
    if message.revised == event { return message.text == last.text ? nil : .unaltered }
    return isFromUnknown(message) ? nil : .unaltered
  }

  private func isFromUnknown(_ message: SeenMessage) -> Bool {
    let changes = of(message.seq)
    // The message itself may be of a send whose outcome nobody knows, which has no number.
    if message.revised == message.event, !changes.contains(where: { $0.target == nil }) { return true }
    return changes.contains { $0.mayHaveHappenedUnseen && !$0.isDeletion && $0.text == message.text }
  }
}
