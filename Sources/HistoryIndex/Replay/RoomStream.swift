import ChatRooms

/// A room that somebody on this server follows, or followed a moment ago: where it stands, who listens, its tail.
///
/// Pure: the hub gives it events, joins and loaded tails, and carries out the actions that it returns. All of a room's
/// subscribers stand at one position, so an event is one comparison a room, and a join needs no buffer of its own.
struct RoomStream: Sendable {
  enum Action: Sendable {
    /// To one loop.
    case deliver(Delivery, loop: Int)
    /// To the subscribers, with the message's JSON where it is at hand.
    case broadcast(RoomEvent, object: ArraySlice<UInt8>?)
    /// To every loop that has subscribers of the room.
    case deliverToAll(Delivery)
    /// Read the tail, then call `loaded` or `failed`.
    case load
  }

  private struct Waiting: Sendable {
    var request: JoinRequest
    var loop: Int
    var since: Milliseconds
  }

  /// How long joins wait for this server to have delivered what the database knows already.
  static let catchUpPatience: Milliseconds = 1_500
  /// Events buffered while a tail is read; beyond, the read is begun anew.
  static let maximumBuffered = 20_000

  /// How long a tail that lacks messages is made do with before the history is asked again.
  static let partialTailLifetime: Milliseconds = 1_000
  /// How long a tail stays long after somebody has asked for many messages.
  static let longTailLifetime: Milliseconds = 60_000

  let room: Room
  private(set) var tail: RoomTail?
  /// What the subscribers have seen; `nil` while there are none.
  private var position: Int64?
  private(set) var audience = RoomAudience()
  private var waiting: [Waiting] = []
  private(set) var isLoading = false
  /// What is being loaded may lack events that were skipped meanwhile.
  private var isLoadStale = false
  private var buffered: [RoomEvent] = []
  /// A tail that is ahead of the subscribers, and since when.
  private var aheadSince: Milliseconds?
  private var tailLoaded: Milliseconds = 0
  private(set) var lastJoin: Milliseconds
  /// Messages that the tail is to have.
  private(set) var reach = HistoryLimits.tail
  private var lengthened: Milliseconds = 0
  /// Pages are to be made from the tail that is being read.
  private(set) var isWanted = false

  init(room: Room, now: Milliseconds) {
    self.room = room
    lastJoin = now
  }

  /// Joins, or pages, wait for a tail.
  var isAwaited: Bool { !waiting.isEmpty || isWanted }
  var isIdle: Bool { audience.isEmpty && waiting.isEmpty && !isLoading }
  /// Joins wait for events that are on their way.
  var isAhead: Bool { aheadSince != nil }
  /// Bytes that the tail holds.
  var tailBytes: Int { tail?.byteCount ?? 0 }
  var loops: some Collection<Int> { audience.loops }
  var subscriberCount: Int { audience.count }

  // MARK: Joins

  mutating func touch(now: Milliseconds) { lastJoin = now }

  mutating func join(_ request: JoinRequest, loop: Int, now: Milliseconds) -> [Action] {
    if let tail, tail.isPartial, waiting.isEmpty, now - tailLoaded >= Self.partialTailLifetime { self.tail = nil }
    waiting.append(Waiting(request: request, loop: loop, since: now))
    // Others who resume may be further behind than the first one: they are to need no read of their own.
    if tail == nil, request.since != nil || request.limit > reach { reachFar(now: now) }
    if tail != nil { return admit(now: now) }
    return isLoading ? [] : load()
  }

  /// Reads the tail, where there is none, for those who ask for pages. They can do without it for a while.
  mutating func want(now: Milliseconds) -> [Action] {
    if let tail, tail.isPartial, waiting.isEmpty, now - tailLoaded >= Self.partialTailLifetime * 5 { self.tail = nil }
    guard tail == nil else { return [] }
    isWanted = true
    return isLoading ? [] : load()
  }

  /// Refuses joins that have waited for so long, so that their clients come again rather than wait for ever.
  mutating func expire(now: Milliseconds, patience: Milliseconds) -> [Action] {
    let late = waiting.filter { now - $0.since >= patience }
    guard !late.isEmpty else { return [] }
    waiting.removeAll { now - $0.since >= patience }
    forgetAheadIfNobodyWaits()
    let error = ChatError.unavailable("The history of room \(room.id)")
    return late.map { .deliver(.refused($0.request.subscription, error), loop: $0.loop) }
  }

  /// A load that was asked for is not begun, because nobody waits for it any more.
  mutating func abandonLoad() {
    isLoading = false
    isLoadStale = false
    buffered = []
  }

  private mutating func load() -> [Action] {
    buffered = []
    isLoading = true
    return [.load]
  }

  mutating func leave(_ subscription: SubscriptionID, loop: Int) {
    waiting.removeAll { $0.request.subscription == subscription }
    audience.remove(subscription, loop: loop)
    if audience.isEmpty { position = nil }
    forgetAheadIfNobodyWaits()
  }

  /// Where nobody waits any more, there is nothing to catch up with.
  private mutating func forgetAheadIfNobodyWaits() {
    if waiting.isEmpty { aheadSince = nil }
  }

  /// Frees the tail of a room where nobody joins; the subscribers stay.
  mutating func dropTail() {
    if waiting.isEmpty { tail = nil }
  }

  // MARK: Tails

  mutating func loaded(_ loaded: RoomTail, now: Milliseconds) -> [Action] {
    isLoading = false
    guard !isLoadStale else {
      isLoadStale = false
      return load()
    }
    var loaded = loaded
    for event in buffered where event.event > loaded.position.lastEvent {
      guard loaded.apply(event) else {
        // The buffer overflowed, or events went missing in between: read again.
        return load()
      }
    }
    buffered = []
    tail = loaded
    tailLoaded = now
    isWanted = false
    return admit(now: now)
  }

  mutating func failed(_ error: ChatError) -> [Action] {
    isLoading = false
    isLoadStale = false
    isWanted = false
    buffered = []
    defer { waiting = [] }
    return waiting.map { .deliver(.refused($0.request.subscription, error), loop: $0.loop) }
  }

  /// Lets the waiting ones in, if the tail stands where the subscribers stand.
  private mutating func admit(now: Milliseconds) -> [Action] {
    guard var tail, !waiting.isEmpty else { return [] }
    if waiting.contains(where: { tail.isTooShort(for: $0.request) }) { return lengthen(now: now) }
    var actions: [Action] = []
    if let position, position < tail.position.lastEvent {
      // The database was asked a moment before the events reached this server: they are on their way.
      let since = aheadSince ?? now
      aheadSince = since
      guard now - since >= Self.catchUpPatience else { return [] }
      actions = interrupt()
    }
    aheadSince = nil
    position = tail.position.lastEvent
    for join in waiting {
      let (state, frames) = tail.answer(join.request)
      audience.insert(join.request, loop: join.loop)
      actions.append(.deliver(.joined(join.request.subscription, state, frames), loop: join.loop))
    }
    waiting = []
    self.tail = tail
    return actions
  }

  /// Reads the tail anew, as long as anybody may want it.
  private mutating func lengthen(now: Milliseconds) -> [Action] {
    reachFar(now: now)
    tail = nil
    return load()
  }

  private mutating func reachFar(now: Milliseconds) {
    reach = HistoryLimits.block
    lengthened = now
  }

  /// Back to the usual length, some time after more was asked for.
  mutating func shorten(now: Milliseconds) {
    guard reach > HistoryLimits.tail, now - lengthened >= Self.longTailLifetime, !isLoading else { return }
    reach = HistoryLimits.tail
    tail?.shorten(to: reach)
  }

  /// Called now and then while joins wait.
  mutating func tick(now: Milliseconds) -> [Action] {
    aheadSince == nil ? [] : admit(now: now)
  }

  // MARK: Events

  mutating func receive(_ event: RoomEvent, now: Milliseconds) -> [Action] {
    if isLoading, buffered.count < Self.maximumBuffered { buffered.append(event) }
    if let lastEvent = tail?.position.lastEvent, event.event > lastEvent, tail?.apply(event) != true {
      // Events of this room were skipped, as by an import: the tail is of no use any more.
      tail = nil
    }
    var actions: [Action] = []
    if let position, event.event > position {
      if event.event == position + 1 {
        self.position = event.event
        actions = deliver(event)
      } else {
        actions = interrupt()
      }
    }
    if tail == nil, isAwaited, !isLoading { actions += load() }
    if aheadSince != nil { actions += admit(now: now) }
    return actions
  }

  private func deliver(_ event: RoomEvent) -> [Action] {
    let isOfTail = event.kind == .message && tail?.position.lastEvent == event.event
    let object = isOfTail ? tail?.recent.block(of: event.message.seq)?.object(of: event.message.seq) : nil
    let broadcast = Action.broadcast(event, object: object)
    switch event.kind {
    case .message, .edit, .deletion, .imported: return [broadcast]
    case .removal: return [broadcast, .deliverToAll(.evict(room.id, event.message.userID))]
    case .closure: return [broadcast, .deliverToAll(.evict(room.id, nil))]
    }
  }

  /// Events of the room may have been skipped: nothing that is held or on its way here can be relied on.
  mutating func lostTrack() -> [Action] {
    tail = nil
    aheadSince = nil
    if isLoading { isLoadStale = true }
    let actions = interrupt()
    return !isAwaited || isLoading ? actions : actions + load()
  }

  /// The subscribers missed something: they are sent away, and resume from where they know they are.
  mutating func interrupt() -> [Action] {
    let actions = audience.loops.map { Action.deliver(.interrupt(room.id), loop: $0) }
    audience.removeAll()
    position = nil
    return actions
  }
}
