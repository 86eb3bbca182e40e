import ChatRooms
import Drivers

/// Drains the journal into the index: reads leased lanes, sends bulks, moves the cursors over what is done, trims.
///
/// Runs beside others on other servers, and through outages of the database and of Elasticsearch: nothing is lost, and
/// what is done twice ends in the same index.
public final class Indexer: Sendable {
  private let journal: any Journal
  private let leases: any LaneLeases
  private let client: ElasticsearchClient
  private let names: IndexNames
  private let options: IndexerOptions
  private let log: Log
  private let metrics: IndexerMetrics
  private let settler: BatchSettler
  private let signal = WakeSignal()
  private let journalState: OutageLog

  public init(
    journal: any Journal, leases: any LaneLeases, client: ElasticsearchClient, names: IndexNames,
    options: IndexerOptions, log: Log, metrics: Metrics
  ) {
    self.journal = journal
    self.leases = leases
    self.client = client
    self.names = names
    self.options = options
    self.log = log
    self.metrics = IndexerMetrics(metrics)
    let writer = BulkWriter(client: client, alias: names.write, log: log, metrics: self.metrics)
    settler = BatchSettler(
      client: client, alias: names.write, writer: writer, leases: leases, log: log, metrics: self.metrics)
    journalState = OutageLog(log, "the journal cannot be drained", "the journal is drained again")
  }

  /// New events are in the journal. From any thread; never waits.
  public func wake() { signal.ring() }

  private enum Event: Sendable {
    case tick
    case woken
    case written(UInt64, BulkBatch, isDone: Bool)
    case saved(LaneSave)
    case trimmed
  }

  /// Runs until the task is cancelled; then gives the leases back.
  public func run() async {
    var state = IndexerRound(LaneReader(journal: journal, leases: leases, options: options))
    await withTaskGroup(of: Event.self) { group in
      group.addTask { await self.tick() }
      group.addTask { await self.woken(gathering: self.options.gather) }
      repeat {
        await advance(&state, &group)
        guard let event = await group.next() else { break }
        handle(event, &state, &group)
      } while !Task.isCancelled
      group.cancelAll()
    }
    await stop(state)
  }

  private func tick() async -> Event {
    try? await Task.sleep(for: options.poll)
    return .tick
  }

  private func woken(gathering pause: Duration) async -> Event {
    await signal.wait()
    try? await Task.sleep(for: pause)
    return .woken
  }

  private func handle(_ event: Event, _ state: inout IndexerRound, _ group: inout TaskGroup<Event>) {
    switch event {
    case .tick:
      state.wantsRead = true
      state.wantsSave = true
      group.addTask { await self.tick() }
    case .woken:
      state.wantsRead = true
      let pause = state.isBusy ? options.gatherWhenBusy : options.gather
      group.addTask { await self.woken(gathering: pause) }
    case .written(let number, let batch, let isDone):
      state.ended(number)
      if isDone {
        state.lanes.complete(batch)
      } else {
        // Its lanes begin again where the journal says, if they are still ours.
        for stretch in batch.stretches { state.lanes.forget(lane: stretch.lease.lane) }
        state.renewAt = .now
      }
      // Without a backlog the next bulk waits for the next ring or poll, and is larger for it.
      if state.hasBacklog { state.wantsRead = true }
    case .saved(let save):
      state.isSaving = false
      for lease in save.saved { state.lanes.didSave(lease) }
      for lease in save.lost { state.lanes.didLose(lease) }
      state.saveFailure = save.error
      if let error = save.error {
        state.wantsSave = true
        pause(&state, after: error)
      }
    case .trimmed:
      state.isTrimming = false
    }
  }

  /// Sends what is ready before reading more, so that the index never waits for the journal.
  private func advance(_ state: inout IndexerRound, _ group: inout TaskGroup<Event>) async {
    launch(&state, &group)
    guard state.mayUseJournal else { return }
    do {
      try await renewIfDue(&state)
      while state.wantsRead, state.hasPlace(of: options.bulksInFlight) {
        try await read(&state)
        launch(&state, &group)
      }
      saveIfWanted(&state, &group)
      metrics.holding(state.lanes.lanes.mapValues(\.lease.number))
      guard state.saveFailure == nil else { return }
      journalState.succeeded()
      state.backoff.reset()
    } catch {
      pause(&state, after: error)
    }
    trimIfDue(&state, &group)
  }

  private func pause(_ state: inout IndexerRound, after error: any Error) {
    guard !Task.isCancelled else { return }
    journalState.failed("\(error)")
    state.pauseUntil = .now + state.backoff.next()
  }

  /// Beside the bulks: each lane's commit would keep the index waiting.
  private func saveIfWanted(_ state: inout IndexerRound, _ group: inout TaskGroup<Event>) {
    guard state.wantsSave, !state.isSaving else { return }
    state.wantsSave = false
    let unsaved = state.lanes.unsaved
    guard !unsaved.isEmpty else {
      state.saveFailure = nil
      return
    }
    state.isSaving = true
    group.addTask { [leases] in .saved(await LaneSave(unsaved, leases)) }
  }

  private func renewIfDue(_ state: inout IndexerRound) async throws {
    guard ContinuousClock.now >= state.renewAt else { return }
    try await state.lanes.renew()
    state.renewAt = .now + options.renewal
  }

  private func read(_ state: inout IndexerRound) async throws {
    state.wantsRead = false
    // The first bulk of a backlog leaves before the second is read.
    let batches = try await state.lanes.read(batches: state.hasBacklog ? options.bulksInFlight : 1)
    state.hasBacklog = batches.contains {
      $0.events.count >= options.documentsPerBulk || $0.body.count >= options.bytesPerBulk
    }
    state.isBusy = batches.reduce(0) { $0 + $1.events.count } >= options.busyDocuments
    guard !batches.isEmpty else { return }
    state.renewAt = .now + options.renewal
    for batch in batches {
      if batch.isEmpty { state.lanes.complete(batch) } else { state.ready.append(batch) }
    }
    state.wantsRead = state.hasBacklog
    if state.hasBacklog { state.isCatchingUp = true }
  }

  private func launch(_ state: inout IndexerRound, _ group: inout TaskGroup<Event>) {
    while state.inFlight.count < options.bulksInFlight, let (number, batch) = state.begin() {
      group.addTask { [settler] in
        do {
          try await settler.settle(batch)
          return .written(number, batch, isDone: true)
        } catch {
          // Cancelled, or another owner's by now.
          return .written(number, batch, isDone: false)
        }
      }
    }
    metrics.waiting(since: state.oldest)
  }

  private func trimIfDue(_ state: inout IndexerRound, _ group: inout TaskGroup<Event>) {
    guard !state.isTrimming, ContinuousClock.now >= state.trimAt, !state.lanes.saved.isEmpty else { return }
    state.isTrimming = true
    state.trimAt = .now + options.trimInterval
    let trimmer = JournalTrimmer(
      client: client, alias: names.write, leases: leases, keep: options.keep, log: log, metrics: metrics)
    let saved = state.lanes.saved
    group.addTask {
      await trimmer.trim(saved)
      return .trimmed
    }
  }

  /// The last words must be said although the task is cancelled.
  private func stop(_ state: IndexerRound) async {
    let (leases, owner, unsaved) = (leases, options.owner, state.lanes.unsaved)
    await Task {
      _ = await LaneSave(unsaved, leases)
      try? await leases.release(owner: owner)
    }.value
  }
}
