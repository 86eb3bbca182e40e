/// Checks pages of history that clients got while things went wrong.
struct PageCheck {
  private let room: Int64
  private let pages: [Page]
  /// Acknowledged messages, rising by seq.
  private var sends: [(seq: Int64, attempt: Attempt, time: RunTime)] = []
  /// Of each place in `sends`, the earliest acknowledgement from there on: where to stop looking.
  private var earliest: [RunTime] = []
  /// By the message that is changed.
  private let changes: [Int64: [Attempt]]

  init(room: Int64, attempts: [Attempt], pages: [Page]) {
    self.room = room
    self.pages = pages
    for attempt in attempts where attempt.target == nil {
      if let ack = attempt.acknowledgements.first { sends.append((ack.seq, attempt, ack.time)) }
    }
    sends.sort { $0.seq < $1.seq }
    var least = RunTime.max
    earliest = sends.reversed().map { send in
      least = min(least, send.time)
      return least
    }.reversed()
    changes = Dictionary(grouping: attempts.filter { $0.target != nil && $0.mayHaveHappened }) { $0.target ?? 0 }
  }

  func breaches() -> [Breach] { pages.flatMap(breaches) }

  private func breaches(of page: Page) -> [Breach] {
    var breaches = missing(from: page)
    if zip(page.messages, page.messages.dropFirst()).contains(where: { $0.seq >= $1.seq }) {
      breaches.append(breach(page, "its messages do not rise", []))
    }
    for seen in page.messages { breaches += stale(seen, on: page) }
    return breaches
  }

  /// A page covers what lies between its first message and where it was asked for, or the newest.
  private func missing(from page: Page) -> [Breach] {
    guard let first = page.messages.first?.seq else { return [] }
    let present = Set(page.messages.map(\.seq))
    var breaches: [Breach] = []
    var index = sends.partitioningIndex { $0.seq >= first }
    while index < sends.count, earliest[index] < page.began, sends[index].seq < page.before ?? .max {
      let send = sends[index]
      if send.time < page.began, !present.contains(send.seq), !mayBeDeleted(send.seq, before: page.ended) {
        breaches.append(breach(page, "message \(send.seq) is missing", [send.attempt.description]))
      }
      index += 1
    }
    return breaches
  }

  private func stale(_ seen: SeenMessage, on page: Page) -> [Breach] {
    (changes[seen.seq] ?? []).compactMap { change in
      guard let ack = change.acknowledgements.first, ack.time < page.began else { return nil }
      let evidence = [change.description, "\(seen)"]
      if change.isDeletion {
        return Breach(
          .deletedTextIsGone, room: room, "a page has message \(seen.seq) after its deletion", [title(page)] + evidence)
      }
      return seen.revised < ack.event ? breach(page, "message \(seen.seq) is older than its edit", evidence) : nil
    }
  }

  private func mayBeDeleted(_ seq: Int64, before time: RunTime) -> Bool {
    (changes[seq] ?? []).contains { $0.isDeletion && $0.began <= time }
  }

  private func title(_ page: Page) -> String {
    "page of \(page.client) at server \(page.server), \(page.began) to \(page.ended) ms, "
      + "before \(page.before.map(String.init) ?? "the end"): seqs \(page.messages.map(\.seq))"
  }

  private func breach(_ page: Page, _ what: String, _ evidence: [String]) -> Breach {
    Breach(.pageTrue, room: room, what, [title(page)] + evidence)
  }
}
