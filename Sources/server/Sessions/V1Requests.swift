import ChatRooms
import Drivers
import HistoryIndex

/// What clients of `palaver.v1` ask for.
extension V1Session {
  /// The types of client frames.
  private enum Request: String {
    case send, edit, delete, history, read, typing, ping, auth, join, leave

    /// Adds something to the room's events.
    var isSend: Bool { self == .send || self == .edit || self == .delete }
  }

  mutating func receive(_ text: String, at now: Int64) -> [SessionAction] {
    guard case .object(let object)? = try? JSONValue(parsing: text) else {
      return [.close(.notAnObject, "a frame is a JSON object")]
    }
    if let refusal = limit(object, at: now) { return refusal }
    return perform(object, at: now)
  }

  /// Carries out a request that is within the limits.
  mutating func perform(_ object: JSONObject, at now: Int64) -> [SessionAction] {
    do {
      return try carryOut(object, at: now)
    } catch {
      return [.reply(V1Frames.error(error, room: object["room"]?.integer, ref: Self.ref(object)))]
    }
  }

  private mutating func carryOut(_ object: JSONObject, at now: Int64) throws(ChatError) -> [SessionAction] {
    guard let request = object["type"]?.string.flatMap(Request.init) else { throw Self.unknownType }
    let ref = try MessageDraft.ref(object["ref"])
    switch request {
    case .ping: return [.reply(V1Frames.pong(ref: ref))]
    case .auth: return try authenticate(object, ref)
    case .join: return try join(object, ref)
    case .leave: return try leave(object, ref)
    case .send, .edit, .delete, .history, .read, .typing:
      let index = try placeIndex(object)
      switch places[index].stage {
      case .admitting(let held, let isLeaving):
        guard !isLeaving else { throw Self.notJoined }
        places[index].stage = .admitting(held: held + [object], isLeaving: false)
        framesHeld += 1
        return []
      case .joining(let room, _), .live(let room): return try carryOut(request, object, in: room, ref, at: now)
      }
    }
  }

  private mutating func carryOut(
    _ request: Request, _ object: JSONObject, in room: Room, _ ref: String?, at now: Int64
  ) throws(ChatError) -> [SessionAction] {
    switch request {
    case .send: return try send(object, in: room)
    case .edit:
      let (seq, text) = (try Self.seq(object), try MessageDraft.text(object["text"]))
      return change(.edit(room, seq: seq, text: text, ref: ref))
    case .delete: return change(.delete(room, seq: try Self.seq(object), ref: ref))
    case .history: return ask(.history(room, try Self.query(object), ref: ref))
    case .read: return ask(.read(room, seq: try Self.seq(object), ref: ref))
    case .typing: return typing(in: room, at: now)
    case .ping, .auth, .join, .leave: return []
    }
  }

  // MARK: - Limits

  /// `nil` where there is room for the request; otherwise its refusal, or the end of a client that does not listen.
  private mutating func limit(_ object: JSONObject, at now: Int64) -> [SessionAction]? {
    let request = object["type"]?.string.flatMap(Request.init)
    let wait = request?.isSend == true ? sends.take(at: now) : requests.take(at: now)
    guard wait > 0 else { return nil }
    if now - refusedAt > limits.refusalMemory { refusals = 0 }
    refusedAt = now
    refusals += 1
    guard refusals <= limits.refusals else { return [.close(.rateLimited, "rate limit persistently passed")] }
    let error = ChatError(429, "rate_limited", "Too many requests on this connection.", retryAfter: wait)
    return [.reply(V1Frames.error(error, room: object["room"]?.integer, ref: Self.ref(object)))]
  }

  // MARK: - Requests

  private mutating func send(_ object: JSONObject, in room: Room) throws(ChatError) -> [SessionAction] {
    let draft = try MessageDraft(object)
    let action = Submission.Action.send(text: draft.text, data: draft.data, replyTo: draft.replyTo)
    sendsInFlight += 1
    return [.submit(Submission(room: room, action: action, actor: user, ref: draft.ref, nonce: nonces.next()))]
  }

  private mutating func ask(_ request: SessionRequest) -> [SessionAction] {
    requestsInFlight += 1
    return [.request(request)]
  }

  private mutating func authenticate(_ object: JSONObject, _ ref: String?) throws(ChatError) -> [SessionAction] {
    guard let token = object["token"]?.string else { throw ChatError.invalid("token", "auth needs a token.") }
    return ask(.authenticate(token: token, ref: ref))
  }

  private mutating func typing(in room: Room, at now: Int64) -> [SessionAction] {
    if let typedAt, now - typedAt < limits.typingInterval { return [] }
    typedAt = now
    return [.typing(room.id)]
  }

  private mutating func join(_ object: JSONObject, _ ref: String?) throws(ChatError) -> [SessionAction] {
    guard onlyRoom == nil else { throw Self.unknownType }
    let wish = try Self.wish(object, ref)
    guard place(of: wish.room) == nil else {
      throw ChatError(409, "already_joined", "This connection has joined the room.", parameter: "room")
    }
    guard places.count < limits.rooms else {
      throw ChatError(409, "too_many_rooms", "A connection may have \(limits.rooms) rooms.", parameter: "room")
    }
    places.append(Place(room: wish.room, stage: .admitting(held: [], isLeaving: false), ref: ref))
    // There are no more of these than rooms, and a client that comes back joins all of its rooms at once.
    return [.request(.admit(wish))]
  }

  private mutating func leave(_ object: JSONObject, _ ref: String?) throws(ChatError) -> [SessionAction] {
    guard onlyRoom == nil else { throw Self.unknownType }
    let index = try placeIndex(object)
    if case .admitting(let held, _) = places[index].stage {
      places[index].stage = .admitting(held: held, isLeaving: true)
      return []
    }
    let place = places.remove(at: index)
    return [
      .unsubscribe(place.room), .replay(Self.heldFrames(place)),
      .reply(V1Frames.left(place.room, reason: "left", ref: ref)),
    ]
  }

  // MARK: - Members of requests

  static let unknownType = ChatError(400, "unknown_type", "Unknown type of frame.", parameter: "type")

  private static func ref(_ object: JSONObject) -> String? { (try? MessageDraft.ref(object["ref"])) ?? nil }

  private func placeIndex(_ object: JSONObject) throws(ChatError) -> Int {
    if let only = onlyRoom, object["room"] == nil || object["room"]?.integer == only.room.id {
      if let index = place(of: only.room.id) { return index }
      throw Self.notJoined
    }
    guard let room = object["room"]?.integer else { throw ChatError.invalid("room", "room is the number of a room.") }
    guard let index = place(of: room) else { throw Self.notJoined }
    return index
  }

  private static func seq(_ object: JSONObject) throws(ChatError) -> Int64 {
    guard let seq = try MessageDraft.seq(object["seq"], "seq") else {
      throw ChatError.invalid("seq", "seq is the number of a message.")
    }
    return seq
  }

  private static func query(_ object: JSONObject) throws(ChatError) -> HistoryQuery {
    try HistoryQuery(
      before: integer(object, "before"), after: integer(object, "after"), around: integer(object, "around"),
      limit: integer(object, "limit"))
  }

  private static func wish(_ object: JSONObject, _ ref: String?) throws(ChatError) -> RoomWish {
    guard let room = object["room"]?.integer else { throw ChatError.invalid("room", "room is the number of a room.") }
    let since = try integer(object, "since")
    guard since ?? 0 >= 0 else { throw ChatError.invalid("since", "since is the number of an event, or 0.") }
    let limit = Int(clamping: try integer(object, "limit") ?? Int64(HistoryLimits.defaultJoin(since: since)))
    guard HistoryLimits.join.contains(limit) else {
      throw ChatError.invalid("limit", "limit is between 1 and \(HistoryLimits.join.upperBound).")
    }
    return RoomWish(room: room, since: since, epoch: object["epoch"]?.string, limit: limit, ref: ref)
  }

  private static func integer(_ object: JSONObject, _ name: String) throws(ChatError) -> Int64? {
    guard let value = object[name], !value.isNull else { return nil }
    guard let integer = value.integer else { throw ChatError.invalid(name, "\(name) is an integer.") }
    return integer
  }
}
