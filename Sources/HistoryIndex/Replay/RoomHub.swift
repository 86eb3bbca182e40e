import ChatRooms
import Drivers

/// The meeting point of what is committed and who is connected: joins rooms at an exact position and hands each event
/// from there on to the loops that have subscribers.
///
/// One thread does it all, fed by a queue, so that joins, events and loaded tails have one order. It never waits for a
/// back end: reads are jobs that `run()` carries out, a bounded number at once. All methods may be called from any
/// thread and never wait.
public final class RoomHub: Sendable {
  struct Limits: Sendable {
    /// Tails read at once; further rooms wait for their turn.
    var loads = 16
    /// A room nobody follows any more keeps its tail this long.
    var idle: Milliseconds = 60_000
    /// Bytes that all tails may hold, about.
    var tailBytes = 128 << 20
    /// A lane further behind than this is skipped: its rooms' subscribers resume by themselves.
    var laneLag: Int64 = 20_000
    /// How often the lanes' heads are read.
    var headInterval: Duration = .milliseconds(300)
    /// How long a join waits for its room's tail before it is refused.
    var joinPatience = HistoryPatience.join
    /// How long a failed read is remembered before it is tried again.
    var failureMemory: Milliseconds = 100
  }

  private let journal: any Journal
  private let loader: any TailLoading
  private let log: Log
  private let limits: Limits
  private let metrics: HubMetrics
  private let onFetched: @Sendable ([RoomEvent]) -> Void
  private let queue = WorkQueue<HubMessage>()
  private let jobs: AsyncStream<HubJob>
  private let jobSink: AsyncStream<HubJob>.Continuation

  /// - Parameters:
  ///   - exchange: shares tails with other servers; `nil` for a server alone.
  ///   - onFetched: takes events that were read from the journal because nobody told of them. Must not wait.
  public convenience init(
    journal: any Journal, history: any History, exchange: (any TailExchange)?, metrics: Metrics, log: Log,
    onFetched: @escaping @Sendable ([RoomEvent]) -> Void = { _ in }
  ) {
    let base = TailLoader(journal: journal, history: history)
    let reused = HistorySource.redis.counter(in: metrics)
    let shared = exchange.map {
      SharedTailLoader(
        base: base, exchange: $0, reused: reused,
        waits: metrics.counter("palaver_tail_waits_total", "Reads of a room's tail left to another server's."))
    }
    self.init(
      journal: journal, loader: shared ?? base, metrics: metrics, log: log, limits: Limits(), onFetched: onFetched)
  }

  init(
    journal: any Journal, loader: any TailLoading, metrics: Metrics, log: Log, limits: Limits,
    onFetched: @escaping @Sendable ([RoomEvent]) -> Void = { _ in }
  ) {
    self.onFetched = onFetched
    self.journal = journal
    self.loader = loader
    self.log = log
    self.limits = limits
    (jobs, jobSink) = AsyncStream.makeStream()
    let counts = HubMetrics(metrics)
    self.metrics = counts
    state = HubState(limits: limits, metrics: counts, windows: windows)
    counts.show(windows, in: metrics)
  }

  private let state: HubState
  /// The rooms whose pages are made from memory.
  public let windows = RoomWindows()

  /// Reads where the lanes stand. Nothing may be joined before.
  public func start() async throws {
    let heads = try await journal.heads()
    try await journal.flush()
    state.begin(at: heads)
  }

  /// Works until cancelled.
  public func run() async {
    let thread = WorkerThread(name: "hub") { [self] in work() }
    await withDiscardingTaskGroup { group in
      group.addTask { await self.watchHeads() }
      for await job in jobs {
        group.addTask { self.queue.put(await self.carryOut(job)) }
      }
      group.cancelAll()
    }
    queue.close()
    thread.join()
    windows.close()
  }

  /// Makes a loop known; the number stands for it from then on. Call before `run()`.
  public func attach(_ loop: any DeliveryLoop) -> Int { state.attach(loop) }

  /// Answers with `Delivery.joined` or `.refused` to that loop.
  public func join(_ request: JoinRequest, loop: Int) { queue.put(.join(request, loop: loop)) }

  /// Deliveries to the subscription may still come; the loop drops them.
  public func leave(_ subscription: SubscriptionID, room: RoomID, loop: Int) {
    queue.put(.leave(subscription, room: room, loop: loop))
  }

  /// A frame without a number to all of a room's `palaver.v1` subscribers on this server.
  ///
  /// - Parameter user: is not told.
  public func notice(_ frame: WebSocketFrame, in room: RoomID, except user: String?) {
    queue.put(.notice(frame, room: room, except: user))
  }

  /// Ends all sockets of users up to this id on this server: they were deleted.
  public func evictUsers(upTo last: UserID) { queue.put(.evictUsers(upTo: last)) }

  /// Committed events in any order, from this server's writers or from the bus.
  public func receive(_ events: [RoomEvent]) {
    // In this order: a window that is made in between takes them from the queue before it answers.
    queue.put(.events(events))
    windows.heard(events)
  }

  /// Notes a page that was made from memory.
  func countPage() { metrics.tailHits.add() }

  /// Says that a page of the room was asked for. - Parameter isRepeated: not for the first time.
  func want(_ room: Room, isRepeated: Bool) {
    if !queue.put(.want(room, isRepeated: isRepeated)) { windows.release(room.id) }
  }

  // MARK: The hub's thread

  private func work() {
    var pause: Int?
    while let messages = queue.takeAll(waiting: pause) {
      let now = RoomWindows.now()
      state.handle(messages, now: now)
      for window in state.takePublished() { queue.put(.confirm(window)) }
      for job in state.takeJobs(now: now) { jobSink.yield(job) }
      pause = Int(state.nextTick(now: now))
    }
  }

  // MARK: Jobs

  private func watchHeads() async {
    while !Task.isCancelled {
      do {
        queue.put(.heads(try await journal.heads()))
      } catch {
        log.debug("lane heads not read", ["error": "\(error)"])
      }
      try? await Task.sleep(for: limits.headInterval)
    }
    jobSink.finish()
  }

  private func carryOut(_ job: HubJob) async -> HubMessage {
    switch job {
    case .look:
      do {
        return .looked(try await journal.heads())
      } catch {
        log.debug("lane heads not read", ["error": "\(error)"])
        return .looked(nil)
      }
    case .load(let room, let count):
      do {
        return .loaded(room.id, try await loader.load(room, newest: count))
      } catch let error as ChatError {
        return .loadFailed(room.id, error)
      } catch {
        log.warning("tail not read", ["room": "\(room.id)", "error": "\(error)"])
        return .loadFailed(room.id, .unavailable("The history of room \(room.id)"))
      }
    case .fetch(let lane, let after):
      do {
        let events = try await journal.events(lane: lane, after: after, limit: HistoryLimits.block)
        if !events.isEmpty { try await journal.flush() }
        onFetched(events)
        return .fetched(lane: lane, events, after: after)
      } catch {
        log.debug("lane not fetched", ["lane": "\(lane)", "error": "\(error)"])
        return .fetchFailed(lane: lane)
      }
    }
  }
}

/// What the hub's thread is told.
enum HubMessage: Sendable {
  case join(JoinRequest, loop: Int)
  case leave(SubscriptionID, room: RoomID, loop: Int)
  /// A page of the room is asked for.
  case want(Room, isRepeated: Bool)
  case confirm(RoomWindow)
  case notice(WebSocketFrame, room: RoomID, except: String?)
  case evictUsers(upTo: UserID)
  case events([RoomEvent])
  case heads([LaneHead])
  /// The same, read for joins; `nil`: the database did not answer.
  case looked([LaneHead]?)
  case loaded(RoomID, RoomTail)
  case loadFailed(RoomID, ChatError)
  case fetched(lane: Int, [RoomEvent], after: Int64)
  case fetchFailed(lane: Int)
}

/// What the hub's thread wants read.
enum HubJob: Sendable {
  /// Reads the lanes' heads for joins.
  case look
  case load(Room, newest: Int)
  case fetch(lane: Int, after: Int64)
}
