import ChatRooms
import Drivers
import HistoryIndex

/// A WebSocket, owned by one loop: only its thread touches it.
final class Connection {
  /// A room that the connection has, or waits for. For each, presence has been entered.
  struct Place {
    var room: RoomID
    /// `nil` until the hub is asked.
    var subscription: SubscriptionID?
    /// Its index in the loop's table of the room; `nil` until the hub has answered.
    var index: Int?
  }

  enum Phase: Equatable {
    case open
    /// A close frame is queued or sent; what the client still sends is dropped until its own close frame comes.
    case closing
    case closed
  }

  let descriptor: Int32
  let token: UInt64
  let user: User
  let format: WireFormat
  var caller: Caller
  var session: any Session
  var decoder = FrameDecoder()
  var outbound = OutboundQueue()
  /// Bytes of the queue that the client asked for: they do not make it too slow.
  var replayBytes = 0
  var places: [Place] = []
  var phase = Phase.open
  var interest = Poller.Interest(reading: true, writing: false)
  /// How soon it is to be written to.
  var urgency = FlushList.Urgency.none
  /// Input that came before reading was paused.
  var pendingInput: [UInt8] = []
  var isSaturated = false
  /// The rest of what came waits for the loop's next turn.
  var isHeld = false
  var isDraining = false
  var peerClosed = false

  // Milliseconds of the monotonic clock.
  var pausedUntil: Int64?
  var heardAt: Int64
  /// When it last sent a message.
  var spokeAt = Int64.min
  var pingedAt: Int64
  var expiresAt: Int64?
  var closeDeadline: Int64 = .max
  /// The tick of the wheel that counts; another is a deadline that was replaced.
  var scheduledTick: Int64 = 0

  init(descriptor: Int32, token: UInt64, upgrade: WebSocketUpgrade, session: any Session, now: Int64) {
    self.descriptor = descriptor
    self.token = token
    user = upgrade.user
    format = upgrade.format
    caller = upgrade.caller
    self.session = session
    heardAt = now
    pingedAt = now
  }

  /// Whether input is to be left on the socket until something happens.
  var isPaused: Bool { phase == .open && (pausedUntil != nil || isSaturated || isDraining) }

  /// When something is to be done next if nothing happens.
  func nextDeadline(_ times: SocketTimes) -> Int64 {
    if phase == .closing { return closeDeadline }
    return min(
      pingedAt + times.pingInterval, heardAt + times.silence, pausedUntil ?? .max, expiresAt ?? .max)
  }
}

/// Bounds in time, in milliseconds.
struct SocketTimes: Sendable {
  var pingInterval: Int64 = 25_000
  /// Without a sign of life for so long, a client is gone.
  var silence: Int64 = 60_000
  /// How long the other side may take to close.
  var closing: Int64 = 5_000
}

struct SocketLimits: Sendable {
  /// Bytes that may wait for a client to read them.
  var queue = 1 << 20
  /// Bytes that a client may have asked for and not read, before it may ask for more.
  var replay = 32 << 20
  /// The kernel's buffer for what is sent, in bytes; `nil`: as the kernel sees fit.
  var sendBuffer: Int32?
}
