import ChatRooms
import HistoryIndex

/// The raw protocol: a text frame is a message, and its echo the acknowledgement.
struct RawSession: Session {
  private let join: WebSocketUpgrade.RoomJoin
  private let user: User
  private let expiresAt: Milliseconds?
  private let limits: SessionLimits
  private var sends: TokenBucket
  private var nonces = NonceSource()
  private(set) var sendsInFlight = 0

  /// - Parameter expiresAt: when the caller's token ends.
  init(
    _ join: WebSocketUpgrade.RoomJoin, user: User, expiresAt: Milliseconds?, limits: SessionLimits, now: Int64
  ) {
    self.join = join
    self.user = user
    self.expiresAt = expiresAt
    self.limits = limits
    sends = TokenBucket(limits.sends, now: now)
  }

  var isSaturated: Bool { sendsInFlight >= limits.sendsInFlight }
  var hasRoom: Bool { sendsInFlight <= limits.sendsInFlight / 2 }

  func start() -> [SessionAction] {
    let wish = RoomWish(room: join.room.id, since: join.since, epoch: join.epoch, limit: join.limit)
    return [.expire(at: expiresAt), .subscribe(wish, join.room)]
  }

  mutating func receive(_ text: String, at now: Int64) -> [SessionAction] {
    // There is no frame to refuse a message with, and a client that waits for an echo must not wait for ever.
    let limits = MessageLimits.textBytes
    guard limits.contains(text.utf8.count) else {
      return [.close(.tryAgain, "a message has \(limits.lowerBound) to \(limits.upperBound) bytes")]
    }
    sendsInFlight += 1
    let submit = SessionAction.submit(
      Submission(
        room: join.room, action: .send(text: text, data: nil, replyTo: nil), actor: user, ref: nil,
        nonce: nonces.next()))
    // There is no frame to say "slower" with, so that what comes too fast waits on the socket.
    let wait = sends.take(at: now)
    return wait == 0 ? [submit] : [submit, .pause(milliseconds: wait)]
  }

  mutating func committed(
    _ receipt: Receipt, _ result: Result<JournalWriter.Committed, ChatError>
  ) -> [SessionAction] {
    sendsInFlight -= 1
    switch result {
    case .success: return []
    case .failure(let error): return [.close(.tryAgain, error.word)]
    }
  }

  func answered(_ answer: SessionAnswer, at now: Int64) -> [SessionAction] { [] }

  func joined(_ room: RoomID, _ state: JoinState, _ frames: [WebSocketFrame]) -> [SessionAction] { [.replay(frames)] }

  func refused(_ room: RoomID, _ error: ChatError) -> [SessionAction] {
    [.close(error.status == 503 ? .tryAgain : .removed, error.word)]
  }

  func ended(_ room: RoomID, _ code: CloseCode) -> [SessionAction] { [.close(code, code.word)] }

  func farewell(reconnectAfter: Int) -> [WebSocketFrame] { [] }
}
