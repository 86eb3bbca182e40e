/// Checks pages of history that clients got while things went wrong.
struct PageCheck {
  let room: Int64
  let attempts: [Attempt]
  let pages: [Page]

  func breaches() -> [Breach] { pages.flatMap(breaches) }

  private func breaches(of page: Page) -> [Breach] {
    let present = Dictionary(page.messages.map { ($0.seq, $0) }) { first, _ in first }
    var breaches: [Breach] = []
    if zip(page.messages, page.messages.dropFirst()).contains(where: { $0.seq >= $1.seq }) {
      breaches.append(breach(page, "its messages do not rise", []))
    }
    // What a page covers: from its first message to where it was asked for, or to the newest.
    let first = page.messages.first?.seq ?? .max
    for attempt in attempts {
      guard let ack = attempt.acknowledgements.first, ack.time < page.began else { continue }
      switch attempt.action {
      case .send:
        let isCovered = ack.seq >= first && ack.seq < page.before ?? .max
        guard isCovered, present[ack.seq] == nil, !mayBeDeleted(ack.seq, before: page.ended) else { continue }
        breaches.append(breach(page, "message \(ack.seq) is missing", [attempt.description]))
      case .edit(let seq, _):
        guard let seen = present[seq], seen.revised < ack.event else { continue }
        breaches.append(breach(page, "message \(seq) is older than its edit", [attempt.description, "\(seen)"]))
      case .delete(let seq):
        guard let seen = present[seq] else { continue }
        breaches.append(
          Breach(
            .deletedTextIsGone, room: room, "a page has message \(seq) after its deletion",
            [title(page), attempt.description, "\(seen)"]))
      }
    }
    return breaches
  }

  private func mayBeDeleted(_ seq: Int64, before time: RunTime) -> Bool {
    attempts.contains { $0.isDeletion && $0.target == seq && $0.mayHaveHappened && $0.began <= time }
  }

  private func title(_ page: Page) -> String {
    "page of \(page.client) at server \(page.server), \(page.began) to \(page.ended) ms, "
      + "before \(page.before.map(String.init) ?? "the end"): seqs \(page.messages.map(\.seq))"
  }

  private func breach(_ page: Page, _ what: String, _ evidence: [String]) -> Breach {
    Breach(.pageTrue, room: room, what, [title(page)] + evidence)
  }
}
