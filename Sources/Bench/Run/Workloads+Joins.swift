extension BenchRun {
  /// Everybody joins at once; or everybody was cut off, and resumes at once.
  func storm() throws(BenchError) -> WorkloadOutcome {
    try fillRooms()
    let joiners: Joiners
    if options.isResuming {
      joiners = try resuming()
    } else {
      joiners = Joiners(state, name: "join", isKept: true) { [state, options] number in
        Joiners.Wish(
          room: state.rooms[number % state.rooms.count], query: "limit=\(options.joinLimit)", limit: options.joinLimit)
      }
    }
    burst(of: joiners)
    return WorkloadOutcome(
      load: "\(options.clients) clients \(options.isResuming ? "resume" : "join") at once in \(options.rooms) rooms, "
        + "\(options.messages) messages each",
      measures: [joiners.joined], checked: [("replayed messages", joiners.checked)])
  }

  private func burst(of joiners: Joiners) {
    let start = NanosecondClock.now
    let patience = Int64(options.seconds * Double(NanosecondClock.second))
    let span = MeasuredSpan(start: start, end: start + max(NanosecondClock.second, patience))
    joiners.joined.begin(span)
    joiners.start(options.clients, at: start)
    _ = state.loop.run(until: span.end) { _ in joiners.isSettled }
    let actual = MeasuredSpan(start: start, end: NanosecondClock.now)
    joiners.joined.begin(actual)
    setSpan(actual)
    joiners.finish()
    let latest = Double(joiners.joined.result.latencies.maximum) / Double(NanosecondClock.second)
    addFigure("all_caught_up_s", latest, "seconds until all had caught up")
  }

  /// Clients that were connected, were cut, and missed as many messages as each room was to have.
  private func resuming() throws(BenchError) -> Joiners {
    let first = Joiners(state, name: "first", isKept: true) { [state] number in
      Joiners.Wish(room: state.rooms[number % state.rooms.count], query: "limit=1", limit: 1)
    }
    first.start(options.clients, at: NanosecondClock.now)
    try wait(for: "joining") { _ in first.isSettled && first.isCaughtUp }
    let positions = state.rooms.map { (event: $0.lastEvent, seq: $0.lastSeq) }
    first.cut()
    try fillRooms()
    return Joiners(state, name: "resume", isKept: true) { [state] number in
      let index = number % state.rooms.count
      return Joiners.Wish(
        room: state.rooms[index], query: "limit=1000&since=\(positions[index].event)", limit: 1_000,
        since: positions[index])
    }
  }

  /// Many sockets on which nothing happens.
  func idle() throws(BenchError) -> WorkloadOutcome {
    let sockets = Joiners(state, name: "join", isKept: true) { [state] number in
      Joiners.Wish(room: state.rooms[number % state.rooms.count], query: "limit=1", limit: 1)
    }
    // What the first connections make a server set aside is not theirs.
    let first = min(options.clients / 2, 100)
    sockets.start(first, at: NanosecondClock.now)
    try wait(for: "joining") { _ in sockets.isSettled }
    let before = server?.memory
    let start = NanosecondClock.now
    sockets.joined.begin(MeasuredSpan(start: start, end: .max))
    let rest = options.clients - first
    sockets.start(rest, at: start)
    try wait(for: "joining") { _ in sockets.isSettled }
    sockets.joined.begin(MeasuredSpan(start: start, end: NanosecondClock.now))
    load([], start: { _, _ in }, done: { Int64(sockets.liveCount) })
    sockets.finish()
    addFigure("open", Double(sockets.liveCount), "sockets open at the end")
    if let before, let after = server?.memory, rest > 0 {
      addFigure("bytes_per_socket", Double(after - before) / Double(rest), "bytes of the server's memory a socket")
    }
    return WorkloadOutcome(
      load: "\(options.clients) sockets in \(options.rooms) rooms", measures: [sockets.joined],
      checked: [("joins", sockets.joined.result.latencies.count)])
  }

  /// Mostly reading: of a hundred operations so many are each of these.
  private enum Share {
    static let send = 0.10
    static let join = 0.15
    static let page = 0.60
    static let search = 0.15
  }

  /// Everything together, as people do it.
  func mixed() throws(BenchError) -> WorkloadOutcome {
    try fillRooms()
    let rate = max(options.rate, 1)
    let readers = try joinedReaders(options.clients)
    let senders = try joinedSenders(min(options.clients, 50), pace: .rate(rate * Share.send))
    let joiners = Joiners(state, name: "join", rate: rate * Share.join, isKept: false) { [state, options] number in
      guard let room = state.rooms.randomElement(using: &state.random) else { return nil }
      return Joiners.Wish(room: room, query: "limit=\(options.joinLimit)", limit: options.joinLimit)
    }
    let pages = Fetchers(state, name: "page", count: 16, rate: rate * Share.page) { [state] in
      Fetch.history(of: state, limit: 50)
    }
    let searches = Fetchers(state, name: "search", count: 16, rate: rate * Share.search) { [state] in
      Fetch.search(of: state, must: false)
    }
    let measures = [senders.acks, readers.delivered, joiners.joined, pages.replies, searches.replies]
    load(measures) { from, until in
      senders.start(at: from, until: until, seed: options.seed)
      joiners.start(rate: rate * Share.join, at: from, until: until, seed: options.seed &+ 1)
      pages.start(at: from, until: until, seed: options.seed &+ 2)
      searches.start(at: from, until: until, seed: options.seed &+ 3)
    } done: {
      measures.reduce(0) { $0 + $1.finishedInSpan }
    }
    settle {
      senders.isSettled && readers.isSettled && joiners.isSettled && pages.isSettled && searches.isSettled
    }
    senders.finish()
    readers.finish()
    joiners.finish()
    pages.finish()
    searches.finish()
    return WorkloadOutcome(
      load: "\(options.clients) readers, \(options.rooms) rooms, \(BenchReport.number(rate)) operations a second",
      measures: measures,
      checked: [
        ("deliveries", readers.deliveries + senders.deliveries), ("replayed messages", joiners.checked),
        ("pages", pages.checked), ("searches", searches.checked),
      ])
  }
}

extension BenchOptions {
  /// Messages that a join asks for.
  var joinLimit: Int { min(1_000, max(1, messages)) }
}
