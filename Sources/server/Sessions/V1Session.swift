import ChatRooms
import Drivers
import HistoryIndex

/// `palaver.v1`: one JSON object a frame. On `/join` it has one room from the start, on `/v1/connect` those that the
/// client joins.
///
/// This file holds what becomes of rooms; `V1Requests.swift` what clients ask for.
struct V1Session: Session {
  enum Stage {
    /// Whether the user may come in is being found out. What the client sent for the room meanwhile waits.
    case admitting(held: [JSONObject], isLeaving: Bool)
    /// The hub is asked. Messages are stored already; their acknowledgements wait, so that `ready` comes first.
    case joining(Room, held: [WebSocketFrame])
    case live(Room)
  }

  struct Place {
    var room: RoomID
    var stage: Stage
    /// Of the `join` that asked for it.
    var ref: String?
  }

  let user: User
  let limits: SessionLimits
  /// The one room of `/join`.
  let onlyRoom: WebSocketUpgrade.RoomJoin?
  var caller: Caller
  /// Few, so that looking through them is cheaper than a table.
  var places: [Place] = []
  var sends: TokenBucket
  var nonces = NonceSource()
  var requests: TokenBucket
  var sendsInFlight = 0
  var requestsInFlight = 0
  /// Frames that wait for their rooms to be joined.
  var framesHeld = 0
  /// Edits and deletions behind the one under way: they are carried out in the order in which they were sent.
  private var changes: ArraySlice<SessionRequest> = []
  private var isChanging = false
  var refusals = 0
  var refusedAt: Int64 = 0
  var typedAt: Int64?

  init(_ upgrade: WebSocketUpgrade, limits: SessionLimits, now: Int64) {
    user = upgrade.user
    caller = upgrade.caller
    onlyRoom = upgrade.join
    self.limits = limits
    sends = TokenBucket(limits.sends, now: now)
    requests = TokenBucket(limits.requests, now: now)
  }

  var isSaturated: Bool {
    sendsInFlight >= limits.sendsInFlight || requestsInFlight >= limits.requestsInFlight
      || framesHeld >= limits.framesHeld
  }

  var hasRoom: Bool {
    sendsInFlight <= limits.sendsInFlight / 2 && requestsInFlight <= limits.requestsInFlight / 2
      && framesHeld <= limits.framesHeld / 2
  }

  mutating func start() -> [SessionAction] {
    let expiry = SessionAction.expire(at: caller.expiresAt)
    guard let join = onlyRoom else { return [expiry] }
    places = [Place(room: join.room.id, stage: .joining(join.room, held: []))]
    let wish = RoomWish(room: join.room.id, since: join.since, epoch: join.epoch, limit: join.limit)
    return [expiry, .subscribe(wish, join.room)]
  }

  func place(of room: RoomID) -> Int? { places.firstIndex { $0.room == room } }

  // MARK: - What the hub says

  mutating func joined(_ room: RoomID, _ state: JoinState, _ frames: [WebSocketFrame]) -> [SessionAction] {
    guard let index = place(of: room), case .joining(let joined, let held) = places[index].stage else { return [] }
    places[index].stage = .live(joined)
    return [
      .reply(V1Frames.ready(room, state, expiresAt: caller.expiresAt)), .replay(frames),
      .reply(V1Frames.replayed(room, through: state.position.lastEvent)),
      .replay(held),
    ]
  }

  mutating func refused(_ room: RoomID, _ error: ChatError) -> [SessionAction] {
    guard let index = place(of: room) else { return [] }
    let place = places.remove(at: index)
    let frame = SessionAction.reply(V1Frames.error(error, room: room, ref: place.ref))
    let last = [SessionAction.replay(Self.heldFrames(place)), frame]
    if onlyRoom == nil { return last }
    return last + [.close(error.status == 503 ? .tryAgain : .removed, error.word)]
  }

  mutating func ended(_ room: RoomID, _ code: CloseCode) -> [SessionAction] {
    guard let index = place(of: room) else { return [] }
    let held = SessionAction.replay(Self.heldFrames(places.remove(at: index)))
    guard onlyRoom == nil else { return [held, .close(code, code.word)] }
    return [held, .reply(V1Frames.left(room, reason: code.word, ref: nil))]
  }

  func farewell(reconnectAfter: Int) -> [WebSocketFrame] { [V1Frames.bye(reconnectAfter: reconnectAfter)] }

  /// Acknowledgements that waited for a `ready` which will not come.
  static func heldFrames(_ place: Place) -> [WebSocketFrame] {
    if case .joining(_, let held) = place.stage { held } else { [] }
  }

  // MARK: - What was submitted

  mutating func committed(
    _ receipt: Receipt, _ result: Result<JournalWriter.Committed, ChatError>
  ) -> [SessionAction] {
    sendsInFlight -= 1
    switch result {
    case .success(let committed):
      let event = committed.event
      let ack = V1Frames.ack(
        receipt, seq: event.message.seq, event: event.message.event, timestamp: event.message.timestamp,
        isDuplicate: committed.isDuplicate)
      return reply(ack, in: receipt.room)
    case .failure(let error):
      return reply(V1Frames.error(error, room: receipt.room, ref: receipt.ref), in: receipt.room)
    }
  }

  /// Says it now, or after `ready` where that has not been said.
  mutating func reply(_ frame: WebSocketFrame, in room: RoomID, isReplay: Bool = false) -> [SessionAction] {
    guard let index = place(of: room), case .joining(let joined, let held) = places[index].stage else {
      return [isReplay ? .replay([frame]) : .reply(frame)]
    }
    places[index].stage = .joining(joined, held: held + [frame])
    return []
  }

  // MARK: - What was requested

  /// Edits and deletions of one connection come to pass in its order, and so one after the other.
  mutating func change(_ change: SessionRequest) -> [SessionAction] {
    sendsInFlight += 1
    guard !isChanging else {
      changes.append(change)
      return []
    }
    isChanging = true
    return [.request(change)]
  }

  private mutating func nextChange() -> [SessionAction] {
    sendsInFlight -= 1
    let next = changes.popFirst()
    isChanging = next != nil
    return next.map { [.request($0)] } ?? []
  }

  mutating func answered(_ answer: SessionAnswer, at now: Int64) -> [SessionAction] {
    switch answer {
    case .changed(let receipt, let changed):
      let ack = V1Frames.ack(
        receipt, seq: changed.message.seq, event: changed.event, timestamp: changed.timestamp,
        isDuplicate: changed.isDuplicate)
      return reply(ack, in: receipt.room) + nextChange()
    case .notChanged(let receipt, let error):
      return reply(V1Frames.error(error, room: receipt.room, ref: receipt.ref), in: receipt.room) + nextChange()
    case .admitted(let room, let wish, _): return admitted(room, wish, at: now)
    case .notAdmitted(let wish, let error): return notAdmitted(wish, error)
    case .page, .read, .failed, .authenticated, .notAuthenticated:
      requestsInFlight -= 1
      return told(answer)
    }
  }

  private mutating func told(_ answer: SessionAnswer) -> [SessionAction] {
    switch answer {
    case .page(let receipt, let page): return reply(V1Frames.history(receipt, page), in: receipt.room, isReplay: true)
    case .read(let receipt, let seq): return reply(V1Frames.read(receipt, seq: seq), in: receipt.room)
    case .failed(let receipt, let error):
      return reply(V1Frames.error(error, room: receipt.room, ref: receipt.ref), in: receipt.room)
    case .authenticated(let caller, let ref): return authenticated(caller, ref: ref)
    case .notAuthenticated(let ref, let error): return [.reply(V1Frames.error(error, room: nil, ref: ref))]
    case .changed, .notChanged, .admitted, .notAdmitted: return []
    }
  }

  private mutating func authenticated(_ renewed: Caller, ref: String?) -> [SessionAction] {
    if let error = caller.hindrance(ofRenewalBy: renewed) {
      return [.reply(V1Frames.error(error, room: nil, ref: ref))]
    }
    caller = renewed
    return [
      .expire(at: renewed.expiresAt), .reply(V1Frames.authenticated(ref: ref, expiresAt: renewed.expiresAt)),
    ]
  }

  private mutating func admitted(_ room: Room, _ wish: RoomWish, at now: Int64) -> [SessionAction] {
    guard let index = place(of: room.id), case .admitting(let held, let isLeaving) = places[index].stage else {
      return [.unsubscribe(room.id)]
    }
    framesHeld -= held.count
    if isLeaving {
      places.remove(at: index)
      return [.unsubscribe(room.id), .reply(V1Frames.left(room.id, reason: "left", ref: nil))]
    }
    places[index].stage = .joining(room, held: [])
    return [.subscribe(wish, room)] + held.flatMap { perform($0, at: now) }
  }

  private mutating func notAdmitted(_ wish: RoomWish, _ error: ChatError) -> [SessionAction] {
    guard let index = place(of: wish.room) else { return [] }
    let place = places.remove(at: index)
    let refusal = SessionAction.reply(V1Frames.error(error, room: wish.room, ref: wish.ref))
    guard case .admitting(let held, _) = place.stage else { return [refusal] }
    framesHeld -= held.count
    return [refusal]
      + held.map { .reply(V1Frames.error(Self.notJoined, room: wish.room, ref: try? MessageDraft.ref($0["ref"]))) }
  }

  static let notJoined = ChatError(409, "not_joined", "Join the room first.", parameter: "room")
}
