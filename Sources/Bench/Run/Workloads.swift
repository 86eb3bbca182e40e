/// What a workload was and saw.
struct WorkloadOutcome {
  var load: String
  var measures: [Measure]
  var checked: [(name: String, count: Int64)]
}

extension BenchRun {
  func perform() throws(BenchError) -> WorkloadOutcome {
    switch options.workload {
    case .send: try send()
    case .fanout: try options.roomsPerSocket > 1 ? fanOutToCrowd() : fanOut()
    case .history: try history()
    case .search: try search()
    case .storm: try storm()
    case .idle: try idle()
    case .lag: try lag()
    case .mixed: try mixed()
    }
  }

  private var pace: Senders.Pace { options.rate > 0 ? .rate(options.rate) : .window(options.window) }

  private var paceInWords: String {
    options.rate > 0 ? "\(BenchReport.number(options.rate)) a second" : "as fast as answers come"
  }

  /// Senders that have joined.
  func joinedSenders(
    _ count: Int, pace: Senders.Pace, quota: Int = .max
  ) throws(BenchError) -> Senders {
    let senders = Senders(state, count: count, pace: pace, quota: quota)
    senders.connect()
    try wait(for: "joining") { _ in senders.isReady }
    guard senders.isAnyLive else { throw BenchError("no connection could join: \(senders.acks.failures)") }
    return senders
  }

  func joinedReaders(_ count: Int) throws(BenchError) -> Readers {
    let readers = Readers(state, count: count)
    try wait(for: "joining") { _ in readers.isReady }
    return readers
  }

  // MARK: - Workloads

  /// Durable sends, acknowledged.
  private func send() throws(BenchError) -> WorkloadOutcome {
    let senders = try joinedSenders(options.clients, pace: pace)
    load([senders.acks]) {
      senders.start(at: $0, until: $1, seed: options.seed)
    } done: {
      senders.acks.finishedInSpan
    }
    settle { senders.isSettled }
    senders.finish()
    return WorkloadOutcome(
      load: "\(options.clients) senders in \(options.rooms) rooms, \(options.size) bytes, \(paceInWords)",
      measures: [senders.acks],
      checked: [("acknowledgements", senders.acks.result.latencies.count), ("deliveries", senders.deliveries)])
  }

  /// Few messages, many readers of each.
  private func fanOut() throws(BenchError) -> WorkloadOutcome {
    let readers = try joinedReaders(options.clients)
    let senders = try joinedSenders(options.rooms, pace: pace)
    load([senders.acks, readers.delivered]) {
      senders.start(at: $0, until: $1, seed: options.seed)
    } done: {
      readers.delivered.finishedInSpan
    }
    settle { senders.isSettled && readers.isSettled }
    senders.finish()
    readers.finish()
    return WorkloadOutcome(
      load: "\(options.clients) readers of \(options.rooms) rooms, \(options.size) bytes, \(paceInWords)",
      measures: [senders.acks, readers.delivered], checked: [("deliveries", readers.deliveries + senders.deliveries)])
  }

  /// Many rooms, and connections that have several of them.
  private func fanOutToCrowd() throws(BenchError) -> WorkloadOutcome {
    let crowd = Crowd(state, count: options.clients, roomsEach: options.roomsPerSocket, rate: options.rate)
    try wait(for: "joining") { _ in crowd.isReady }
    guard crowd.isAnyLive else { throw BenchError("no connection could join: \(crowd.delivered.failures)") }
    load([crowd.acks, crowd.delivered]) {
      crowd.start(at: $0, until: $1, seed: options.seed)
    } done: {
      crowd.delivered.finishedInSpan
    }
    settle { crowd.isSettled }
    crowd.finish()
    return WorkloadOutcome(
      load: "\(options.clients) connections with \(options.roomsPerSocket) of \(options.rooms) rooms each, "
        + "\(options.size) bytes, \(paceInWords)",
      measures: [crowd.acks, crowd.delivered], checked: [("deliveries", crowd.deliveries)])
  }

  /// Pages at random places.
  private func history() throws(BenchError) -> WorkloadOutcome {
    try fillRooms()
    let pages = Fetchers(state, name: "page", count: options.clients, rate: options.rate) { [state] in
      Fetch.history(of: state, limit: Self.pageSize)
    }
    return fetch(
      pages, "pages",
      load: "\(options.clients) connections, pages of \(Self.pageSize) out of \(options.messages) messages in each of "
        + "\(options.rooms) rooms, \(paceInWords)")
  }

  private static let pageSize: Int64 = 50

  private func search() throws(BenchError) -> WorkloadOutcome {
    try fillRooms()
    try waitUntilFound()
    let queries = options.queries
    let searches = Fetchers(state, name: "search", count: options.clients, rate: options.rate) { [state] in
      queries.randomElement(using: &state.random).map(Fetch.search) ?? Fetch.search(of: state, must: true)
    }
    let source = queries.isEmpty ? "words that were sent" : "\(queries.count) queries"
    return fetch(searches, "replies", load: "\(options.clients) connections, \(source), \(paceInWords)")
  }

  private func fetch(_ fetchers: Fetchers, _ unit: String, load words: String) -> WorkloadOutcome {
    load([fetchers.replies]) {
      fetchers.start(at: $0, until: $1, seed: options.seed)
    } done: {
      fetchers.replies.finishedInSpan
    }
    settle { fetchers.isSettled }
    fetchers.finish()
    return WorkloadOutcome(load: words, measures: [fetchers.replies], checked: [(unit, fetchers.checked)])
  }

  /// Waits until what was sent can be found by everyone: that takes a moment, which is not this workload's.
  private func waitUntilFound() throws(BenchError) {
    let probe = LagProbe(state)
    let senders = try joinedSenders(options.rooms, pace: .window(1))
    senders.mark = { [state] in LagProbe.word($0, of: state) }
    senders.onAcknowledged = probe.follow
    senders.allow(1)
    senders.start(at: NanosecondClock.now, until: .max, seed: options.seed)
    try wait(for: "indexing") { _ in senders.isQuotaUsed && probe.isSettled }
    senders.close()
    state.loop.remove(probe)
  }

  /// How soon others find what was acknowledged.
  private func lag() throws(BenchError) -> WorkloadOutcome {
    let probe = LagProbe(state)
    let senders = try joinedSenders(options.clients, pace: .rate(max(options.rate, 0.1)))
    senders.mark = { [state] in LagProbe.word($0, of: state) }
    senders.onAcknowledged = probe.follow
    load([senders.acks, probe.found, probe.fresh]) {
      senders.start(at: $0, until: $1, seed: options.seed)
    } done: {
      probe.found.finishedInSpan
    }
    settle { senders.isSettled && probe.isSettled }
    senders.finish()
    probe.finish()
    return WorkloadOutcome(
      load: "\(options.clients) senders, \(paceInWords), each message searched for until it is found",
      measures: [senders.acks, probe.found, probe.fresh],
      checked: [("searches", probe.searches), ("deliveries", senders.deliveries)])
  }
}
