import CLinux
import ChatRooms
import Drivers
import HistoryIndex

/// What a loop's thread does: waits for its sockets and its mailbox, and takes turns.
///
/// Belongs to that thread alone. Its parts: `ReactorInput` (what clients send), `ReactorActions` (what sessions want),
/// `ReactorDeliveries` (what the hub says), `ReactorOutput` (writing and closing), `ReactorTimers`.
final class SocketReactor {
  static let mailboxToken = UInt64.max
  /// Bytes read from one connection in one turn.
  static let readSize = 64 << 10
  /// Frames taken of one connection in one turn, so that many who flood keep nobody else waiting for long.
  static let readFrames = 32
  /// Bytes gathered for one write.
  static let gatherSize = 256 << 10
  /// The same for a socket that did not take everything before, and might take little of it again.
  static let slowGatherSize = 64 << 10
  /// Bytes written to one connection in one turn.
  static let writeBudget = 256 << 10
  /// Subscribers on one loop beyond which a room's broadcasts wait in the line for large rooms.
  static let promptAudience = 64
  /// Milliseconds for which somebody who sent something does not wait in that line.
  static let speakerMemory: Int64 = 1_000
  /// Submissions that are gathered at most before the journal gets them.
  static let submissionBatch = 256
  /// Connections of that line that are written to in one turn.
  static let bulkSlice = 64
  /// Bytes that may wait in that line for one connection before the loop takes nothing new and works the line off.
  static let bulkBacklog = 128 << 10
  /// Bytes queued, over all connections, after which they are written before more of the mailbox is taken.
  static let turnBudget = 16 << 20

  let index: Int
  let mailbox: Mailbox<LoopMessage>
  let commits: CommitListener
  let poller: Poller
  let times: SocketTimes
  let limits: SocketLimits
  let sessionLimits: SessionLimits
  let services: SessionServices
  let pool: TaskPool
  let metrics: EdgeMetrics

  var now = MonotonicClock.now
  var wheel = TimerWheel(now: MonotonicClock.now)
  /// By the lower half of their token; the upper half tells a slot's tenants apart.
  var slots: [Connection?] = []
  var freeSlots: [Int] = []
  var generation: UInt64 = 0
  var connectionCount = 0

  var rooms: [RoomID: RoomTable] = [:]
  /// Joins that the hub has not answered.
  var pendingJoins: [SubscriptionID: (connection: Connection, room: RoomID)] = [:]
  var subscriptionCount: UInt64 = 0

  var unwritten = FlushList()
  var overflowed: [Connection] = []
  /// Connections that have sent more than one turn takes.
  var held: [Connection] = []
  /// What clients sent in this turn, for the journal.
  var submissions: [TicketedSubmission] = []
  /// Broadcasts of one room, gathered in this turn.
  var gathered = BroadcastRun()
  /// Bytes queued since the urgent ones were last written.
  var queuedBytes = 0
  var output = OutputCount()
  var readBuffer = [UInt8](repeating: 0, count: readSize)
  var gatherBuffer = GatherBuffer()

  /// Users up to this id were deleted. Their handshakes may still be under way.
  var deletedUsers: UserID = 0

  /// What drains wait for.
  var drained: [@Sendable () -> Void] = []
  var reconnectWithin: Int?
  var isStopping = false

  init(
    index: Int, mailbox: Mailbox<LoopMessage>, poller: Poller, configuration: SocketLoopConfiguration,
    services: SessionServices, pool: TaskPool, metrics: EdgeMetrics
  ) {
    self.index = index
    self.mailbox = mailbox
    commits = CommitListener(mailbox)
    self.poller = poller
    times = configuration.times
    limits = configuration.limits
    sessionLimits = configuration.session
    self.services = services
    self.pool = pool
    self.metrics = metrics
    poller.add(mailbox.descriptor, token: Self.mailboxToken, Poller.Interest(reading: true, writing: false))
  }

  func run() {
    while !isStopping { turn() }
    abortAll()
  }

  /// Waits until there is something to do, and does it. Of the line of large rooms, a part; of what one client has sent
  /// at once too.
  func turn() {
    let isBusy = unwritten.hasBulk || !held.isEmpty
    let events = poller.wait(timeout: isBusy ? 0 : wheel.timeout(at: MonotonicClock.now))
    now = MonotonicClock.now
    resumeHeld()
    var isSignalled = false
    for event in events {
      if event.token == Self.mailboxToken { isSignalled = true } else { handle(event) }
    }
    submitGathered()
    flushPrompt()
    for message in mailbox.takeAll(isSignalled: isSignalled) {
      handle(message)
      if queuedBytes > Self.turnBudget { flushPrompt() }
    }
    sendRun()
    fireTimers()
    submitGathered()
    flushPrompt()
    flushBulk()
    output.report(to: metrics)
    reportDrained()
  }

  private func handle(_ event: Poller.Event) {
    guard let connection = connection(event.token) else { return }
    if event.isReadable { read(connection) }
    if event.isWritable, connection.phase != .closed { writable(connection) }
    // Only after reading: what came before a reset is still taken.
    if event.isBroken, !event.isReadable { vanish(connection) }
  }

  private func handle(_ message: LoopMessage) {
    // Between an ack and the event there is no order that clients could tell; deliveries see to theirs.
    switch message {
    case .committed, .deliveries: break
    case .adopt, .answered, .drain, .abort, .stop: sendRun()
    }
    switch message {
    case .adopt(let descriptor, let upgrade, let input): adopt(descriptor, upgrade, input)
    case .deliveries(let deliveries): for delivery in deliveries { deliver(delivery) }
    case .committed(let answers): committed(answers)
    case .answered(let token, let answer): answered(token, answer)
    case .drain(let reconnectWithin, let completion): drain(reconnectWithin, completion)
    case .abort: abortAll()
    case .stop: isStopping = true
    }
  }

  // MARK: - Connections

  func connection(_ token: UInt64) -> Connection? {
    let slot = Int(token & 0xFFFF_FFFF)
    guard slot < slots.count, let connection = slots[slot], connection.token == token else { return nil }
    return connection
  }

  private func adopt(_ descriptor: Int32, _ upgrade: WebSocketUpgrade, _ input: [UInt8]) {
    let connection = makeConnection(descriptor, upgrade)
    prepareSocket(descriptor)
    guard poller.add(descriptor, token: connection.token, connection.interest) else { return vanish(connection) }
    reschedule(connection)
    if let room = upgrade.join?.room.id { enter(room, connection) }
    closeIfUserDeleted(connection)
    perform(connection.session.start(), connection)
    process(connection, input[...])
    if reconnectWithin != nil { sayGoodbye(connection) }
  }

  private func makeConnection(_ descriptor: Int32, _ upgrade: WebSocketUpgrade) -> Connection {
    let slot = freeSlots.popLast() ?? slots.count
    if slot == slots.count { slots.append(nil) }
    generation = (generation + 1) & 0x7FFF_FFFF
    let session: any Session =
      if upgrade.format == .raw, let join = upgrade.join {
        RawSession(
          join, user: upgrade.user, expiresAt: upgrade.caller.expiresAt, limits: sessionLimits, now: now)
      } else {
        V1Session(upgrade, limits: sessionLimits, now: now)
      }
    let connection = Connection(
      descriptor: descriptor, token: generation << 32 | UInt64(slot), upgrade: upgrade, session: session, now: now)
    slots[slot] = connection
    connectionCount += 1
    return connection
  }

  private func prepareSocket(_ descriptor: Int32) {
    var one: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, size)
    if var bytes = limits.sendBuffer { unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, size) }
  }

  /// Forgets a connection and closes its socket.
  func destroy(_ connection: Connection) {
    guard connection.phase != .closed else { return }
    connection.phase = .closed
    leaveAllRooms(connection)
    poller.remove(connection.descriptor)
    close(connection.descriptor)
    let slot = Int(connection.token & 0xFFFF_FFFF)
    slots[slot] = nil
    freeSlots.append(slot)
    connectionCount -= 1
    metrics.webSockets.add(-1)
  }

  /// The other side is gone without a word.
  func vanish(_ connection: Connection) {
    if connection.phase == .open { metrics.vanished.add() }
    destroy(connection)
  }

  // MARK: - The end

  private func drain(_ reconnectWithin: Int, _ completion: @escaping @Sendable () -> Void) {
    self.reconnectWithin = reconnectWithin
    drained.append(completion)
    for case let connection? in slots where connection.phase == .open { sayGoodbye(connection) }
  }

  /// Closes once everything that the client has sent is acknowledged.
  func sayGoodbye(_ connection: Connection) {
    guard connection.phase == .open, let reconnectWithin else { return }
    connection.isDraining = true
    updateInterest(connection)
    guard connection.session.sendsInFlight == 0 else { return }
    let wait = Int.random(in: 0...max(0, reconnectWithin))
    for frame in connection.session.farewell(reconnectAfter: wait) { enqueue(frame, connection) }
    beginClosing(connection, .goingAway, "the server is draining")
  }

  private func abortAll() {
    for case let connection? in slots { destroy(connection) }
    reportDrained()
  }

  private func reportDrained() {
    guard !drained.isEmpty, connectionCount == 0 else { return }
    for completion in drained { completion() }
    drained = []
  }
}
