/// Checks what a client knows in the end, from frames alone, against the room's history.
struct ViewCheck {
  /// Of one client in one room, in their order.
  let subscriptions: [Subscription]
  let record: RoomRecord

  func breaches() -> [Breach] {
    var view = RoomView()
    for subscription in subscriptions {
      for entry in subscription.entries { view.apply(entry.frame, limit: subscription.limit) }
    }
    // A client that never got in knows nothing, and nothing wrong.
    guard view.epoch != nil, let client = subscriptions.first?.client else { return [] }
    return differences(view, client)
  }

  private func differences(_ view: RoomView, _ client: String) -> [Breach] {
    var breaches: [Breach] = []
    if view.lastEvent != record.lastEvent {
      breaches.append(
        breach(client, "it ended at event \(view.lastEvent), the room at \(record.lastEvent)", lastEntries))
    }
    let history = Dictionary(record.messages.map { ($0.seq, $0) }) { first, _ in first }
    for message in record.messages where message.seq >= view.floor {
      guard let seen = view.messages[message.seq] else {
        breaches.append(breach(client, "it never got message \(message.seq)", ["history: \(message)"]))
        continue
      }
      // An edit's frame stands at the edit: it does not say when the message was created.
      if seen.text != message.text || seen.revised != message.revised || seen.user != message.user {
        breaches.append(
          breach(client, "message \(message.seq) differs", ["client: \(seen)", "history: \(message)"]))
      }
    }
    for (seq, seen) in view.messages where history[seq] == nil {
      breaches.append(breach(client, "it has message \(seq), the history has not", ["client: \(seen)"]))
    }
    return breaches
  }

  private var lastEntries: [String] {
    guard let last = subscriptions.last else { return [] }
    return ["\(last.title), ended: \(last.end ?? "not")"] + last.entries.suffix(3).map { "\($0.time) ms: \($0.frame)" }
  }

  private func breach(_ client: String, _ what: String, _ evidence: [String]) -> Breach {
    Breach(.viewTrue, room: record.room, "\(client): \(what)", evidence)
  }
}
