import ChatRooms
import Drivers

/// What the hub's thread owns: lanes, rooms, loops. Takes messages, posts deliveries, collects jobs; does no I/O.
///
/// Unchecked: set up before the hub's thread begins, and from then on touched by that thread alone.
final class HubState: @unchecked Sendable {
  /// How often joins that wait for events, and gaps in lanes, are looked at.
  private static let pulse: Milliseconds = 10
  private static let sweepInterval: Milliseconds = 5_000
  /// How often joins that wait for a tail are looked at.
  private static let expiryInterval: Milliseconds = 250

  private let limits: RoomHub.Limits
  private let metrics: HubMetrics
  private var outbox = HubOutbox()
  private var lanes: [LaneFollower] = []
  private var fetching: Set<Int> = []
  private var streams: [RoomID: RoomStream] = [:]
  /// Rooms with joins that wait for events on their way.
  private var ahead: Set<RoomID> = []
  /// Rooms with joins that wait for a tail.
  private var awaited: Set<RoomID> = []
  private var nextExpiry: Milliseconds = 0
  /// A slice, since taking the first of ten thousand must not move the others.
  private var loadQueue: ArraySlice<Room> = []
  private var loadsUnderWay = 0
  private var failures: [RoomID: (error: ChatError, until: Milliseconds)] = [:]
  private var nextSweep: Milliseconds = 0
  private let windows: RoomWindows
  /// Rooms whose pages are to be made from the tail that is being read.
  private var wanted: Set<RoomID> = []
  private var published: [RoomWindow] = []
  private var gate = JoinGate()
  private var behindLanes: [Int] = []
  private var deliveredLanes: [Int64] = []

  init(limits: RoomHub.Limits, metrics: HubMetrics, windows: RoomWindows = RoomWindows()) {
    self.limits = limits
    self.metrics = metrics
    self.windows = windows
  }

  func begin(at heads: [LaneHead]) {
    lanes = heads.sorted { $0.lane < $1.lane }.map { LaneFollower(at: $0.head) }
  }

  func attach(_ loop: any DeliveryLoop) -> Int { outbox.attach(loop) }

  func handle(_ messages: [HubMessage], now: Milliseconds) {
    defer { outbox.sendOut() }
    for message in messages { handle(message, now: now) }
    for join in gate.takeReady(now: now, delivered: { lanes.indices.contains($0) ? lanes[$0].delivered : .max }) {
      admit(join.request, loop: join.loop, now: now)
    }
    for room in ahead { carryOut(streams[room]?.tick(now: now), for: room) }
    if now >= nextExpiry { expire(now: now) }
    if now >= nextSweep { sweep(now: now) }
    noteLanes()
  }

  private func noteLanes() {
    let delivered = lanes.map(\.delivered)
    let behind = lanes.indices.filter { lanes[$0].lag > 0 }
    guard delivered != deliveredLanes || behind != behindLanes else { return }
    (deliveredLanes, behindLanes) = (delivered, behind)
    windows.setLanes(delivered: delivered, behind: Set(behind))
  }

  private func expire(now: Milliseconds) {
    nextExpiry = now + Self.expiryInterval
    windows.expire(now: now)
    for room in awaited { carryOut(streams[room]?.expire(now: now, patience: limits.joinPatience), for: room) }
  }

  /// What is to be read now: gaps in lanes, and tails as far as the bound on reads allows.
  func takeJobs(now: Milliseconds) -> [HubJob] {
    var jobs: [HubJob] = gate.takeLook() ? [.look] : []
    for (lane, follower) in lanes.enumerated() where follower.needsFetch(now: now) && !fetching.contains(lane) {
      fetching.insert(lane)
      jobs.append(.fetch(lane: lane, after: follower.delivered))
    }
    while loadsUnderWay < limits.loads, let room = loadQueue.popFirst() {
      guard streams[room.id]?.isAwaited == true else {
        streams[room.id]?.abandonLoad()
        continue
      }
      loadsUnderWay += 1
      jobs.append(.load(room, newest: streams[room.id]?.reach ?? HistoryLimits.tail))
    }
    return jobs
  }

  /// Milliseconds until the thread has something to do although nobody told it anything.
  func nextTick(now: Milliseconds) -> Milliseconds {
    let isWaiting = !ahead.isEmpty || !gate.isEmpty || lanes.contains { $0.lag > 0 }
    if isWaiting { return Self.pulse }
    let isAwaited = !awaited.isEmpty || !wanted.isEmpty || windows.hasWaiters
    return max(Self.pulse, (isAwaited ? min(nextSweep, nextExpiry) : nextSweep) - now)
  }

  private func handle(_ message: HubMessage, now: Milliseconds) {
    switch message {
    case .join(let request, let loop): join(request, loop: loop, now: now)
    case .leave(let subscription, let room, let loop):
      gate.remove(subscription)
      streams[room]?.leave(subscription, loop: loop)
    case .want(let room, let isRepeated): want(room, isRepeated: isRepeated, now: now)
    case .confirm(let window): windows.confirm(window)
    case .notice(let frame, let room, let user):
      carryOut([.deliverToAll(.notice(room, frame, except: user))], for: room)
    case .evictUsers(let last): outbox.postToAll(.evictUsers(upTo: last))
    case .events(let events): receive(events, now: now)
    case .heads(let heads): observe(heads, now: now)
    case .looked(let heads):
      gate.looked(heads)
      if let heads { observe(heads, now: now) }
    case .loaded(let room, let tail):
      loadsUnderWay -= 1
      metrics.loads.add()
      carryOut(streams[room]?.loaded(tail, now: now), for: room)
      publish(room, now: now)
    case .loadFailed(let room, let error):
      loadsUnderWay -= 1
      metrics.failedLoads.add()
      failures[room] = (error, now + limits.failureMemory)
      carryOut(streams[room]?.failed(error), for: room)
      publish(room, now: now)
    case .fetched(let lane, let events, let after): fetched(events, lane: lane, after: after, now: now)
    case .fetchFailed(let lane):
      fetching.remove(lane)
      lanes[lane].postpone(now: now)
    }
  }

  // MARK: Rooms

  private func join(_ request: JoinRequest, loop: Int, now: Milliseconds) {
    metrics.joins.add()
    if windows.isAlone { admit(request, loop: loop, now: now) } else { gate.add(request, loop: loop, now: now) }
  }

  private func admit(_ request: JoinRequest, loop: Int, now: Milliseconds) {
    let room = request.room
    if let failure = failures[room.id] {
      guard now >= failure.until else { return outbox.post(.refused(request.subscription, failure.error), to: loop) }
      failures[room.id] = nil
    }
    if streams[room.id]?.tail != nil { metrics.tailHits.add() }
    if streams[room.id]?.isLoading == true { metrics.waits.add() }
    streams[room.id, default: RoomStream(room: room, now: now)].touch(now: now)
    carryOut(streams[room.id]?.join(request, loop: loop, now: now), for: room.id)
  }

  /// A page of the room was asked for. Its tail is read for that only where it is asked for again.
  private func want(_ room: Room, isRepeated: Bool, now: Milliseconds) {
    guard streams[room.id]?.tail != nil || isRepeated, failures[room.id] == nil else { return windows.release(room.id) }
    wanted.insert(room.id)
    streams[room.id, default: RoomStream(room: room, now: now)].touch(now: now)
    carryOut(streams[room.id]?.want(now: now), for: room.id)
    publish(room.id, now: now)
  }

  /// Makes a window of a wanted room, unless its tail is still being read.
  private func publish(_ room: RoomID, now: Milliseconds) {
    guard wanted.contains(room), streams[room]?.isWanted != true else { return }
    wanted.remove(room)
    guard let stream = streams[room], let tail = stream.tail, !tail.isPartial else { return windows.release(room) }
    if windows.has(room) { return windows.release(room) }
    let content = PageWindow(position: tail.position, recent: tail.recent, olderBytes: windows.olderBytesOfNext)
    let window = RoomWindow(stream.room, content, now: now)
    windows.publish(window)
    published.append(window)
  }

  /// Windows that are complete once everything has been handled that was queued before they were made.
  func takePublished() -> [RoomWindow] {
    defer { published = [] }
    return published
  }

  private func carryOut(_ actions: [RoomStream.Action]?, for room: RoomID) {
    for action in actions ?? [] {
      switch action {
      case .deliver(let delivery, let loop):
        if case .joined(_, let state, _) = delivery { metrics.joined(state) }
        outbox.post(delivery, to: loop)
      case .broadcast(let event, let object):
        if let stream = streams[room] { outbox.broadcast(event, object: object, to: stream.audience) }
      case .deliverToAll(let delivery):
        guard let stream = streams[room] else { continue }
        for loop in stream.loops { outbox.post(delivery, to: loop) }
      case .load: if let stream = streams[room] { loadQueue.append(stream.room) }
      }
    }
    guard let stream = streams[room] else {
      ahead.remove(room)
      awaited.remove(room)
      return
    }
    if stream.isAhead { ahead.insert(room) } else { ahead.remove(room) }
    if stream.isAwaited { awaited.insert(room) } else { awaited.remove(room) }
  }

  /// Forgets rooms that nobody follows any more, and the longest unasked tails where they are too many.
  private func sweep(now: Milliseconds) {
    nextSweep = now + Self.sweepInterval
    windows.sweep(now: now)
    streams = streams.filter { !($0.value.isIdle && now - $0.value.lastJoin >= limits.idle) }
    failures = failures.filter { $0.value.until > now }
    for room in streams.keys { streams[room]?.shorten(now: now) }
    var bytes = streams.values.reduce(0) { $0 + $1.tailBytes }
    defer { metrics.tailMemory.value = Int64(bytes) }
    guard bytes > limits.tailBytes else { return }
    for (room, stream) in streams.sorted(by: { $0.value.lastJoin < $1.value.lastJoin }) where bytes > limits.tailBytes {
      bytes -= stream.tailBytes
      streams[room]?.dropTail()
    }
  }

  // MARK: Lanes

  private func receive(_ events: [RoomEvent], now: Milliseconds) {
    // Batches are of one lane nearly always; runs keep that cheap without relying on it.
    var start = events.startIndex
    while start < events.endIndex {
      let lane = events[start].lane
      let end = events[start...].firstIndex { $0.lane != lane } ?? events.endIndex
      if lanes.indices.contains(lane) {
        deliver(lanes[lane].receive(Array(events[start..<end]), now: now), now: now)
      }
      start = end
    }
  }

  private func deliver(_ events: [RoomEvent], now: Milliseconds) {
    metrics.events.add(events.count)
    for event in events {
      windows.deliver(event)
      guard let actions = streams[event.room]?.receive(event, now: now) else { continue }
      carryOut(actions, for: event.room)
      if let block = streams[event.room]?.tail?.recent.fullBlock(of: event.message.seq) {
        windows.share(block, of: event.room)
      }
    }
  }

  private func observe(_ heads: [LaneHead], now: Milliseconds) {
    windows.sawHeads(now: now)
    for head in heads where lanes.indices.contains(head.lane) {
      if let end = lanes[head.lane].observe(head: head.head, now: now) { skip(lane: head.lane, to: end) }
      if lanes[head.lane].lag > limits.laneLag { skip(lane: head.lane, to: head.head) }
    }
  }

  private func fetched(_ events: [RoomEvent], lane: Int, after: Int64, now: Milliseconds) {
    fetching.remove(lane)
    metrics.fetched.add(events.count)
    // Who committed it did not tell.
    if !events.isEmpty { windows.sawOthers() }
    // Rows that were trimmed already are missing at the front.
    if let first = events.first?.position, first > lanes[lane].delivered + 1 {
      skip(lane: lane, to: first - 1)
    } else if events.isEmpty, lanes[lane].delivered == after {
      lanes[lane].doubtHead()
    }
    receive(events, now: now)
  }

  private func skip(lane: Int, to position: Int64) {
    metrics.skippedLanes.add()
    lanes[lane].skip(to: position)
    windows.dropLane(lane)
    for (room, stream) in streams where stream.room.lane == lane {
      carryOut(streams[room]?.lostTrack(), for: room)
    }
  }
}
