import ChatRooms

/// Decides what a batch of submissions becomes, given what was read under the lanes' locks. Pure; no SQL.
///
/// First tells what must be read (`lanes`, `rooms`, `refs`, `targets`, `members`), then `resolve` assigns positions,
/// events and seqs in the batch's order, drops what was stored before, and refuses what cannot be.
struct LaneBatch: Sendable {
  /// Whose ref, in which room. Bytewise.
  struct RefKey: Hashable, Sendable {
    var room: RoomID
    var user: UserID
    var ref: String
  }

  struct MessageKey: Hashable, Sendable {
    var room: RoomID
    var seq: Int64
  }

  struct MemberKey: Hashable, Sendable {
    var room: RoomID
    var user: UserID
  }

  /// A room's counter row.
  struct RoomState: Sendable, Equatable {
    var lastEvent: Int64
    var lastSeq: Int64
    var lastMessageAt: Milliseconds?
    var isClosed: Bool
    /// An import alone may add to it at the moment.
    var isImporting: Bool
  }

  /// What was read under the locks.
  struct Context: Sendable {
    /// The heads of the lanes that were locked; the batch's other lanes are busy.
    var heads: [Int: Int64]
    var rooms: [RoomID: RoomState]
    /// The events that stored these refs, with the text as it was sent, or empty where that is not known any more.
    var refs: [RefKey: RoomEvent]
    /// The newest change of each target, where there was one.
    var changes: [MessageKey: RoomChange]
    var members: Set<MemberKey>
  }

  /// What is to be written, in one transaction, and what to answer.
  struct Resolution: Sendable {
    /// Rising by position in each lane.
    var events: [RoomEvent] = []
    /// The refs to store with `events`, one each: minted ones too, by which an unknown commit is resolved.
    var refs: [String?] = []
    var changes: [(room: RoomID, change: RoomChange)] = []
    /// Only what changed.
    var heads: [Int: Int64] = [:]
    var rooms: [RoomID: RoomState] = [:]
    var removals: [MemberKey] = []
    var closures: [RoomID] = []
    var outcomes: [Outcome] = []
  }

  let submissions: [Submission]

  init(_ submissions: [Submission]) { self.submissions = submissions }

  // MARK: What must be read

  var lanes: [Int] { Set(submissions.map(\.room.lane)).sorted() }
  /// Rising, so that counter rows are always locked in one order.
  var rooms: [RoomID] { Set(submissions.map(\.room.id)).sorted() }

  var refs: [RefKey] {
    submissions.compactMap { submission in
      if case .send = submission.action { RefKey(submission) } else { nil }
    }
  }

  var targets: [MessageKey] {
    submissions.compactMap { submission in
      switch submission.action {
      case .edit(let base, _), .delete(let base): MessageKey(room: base.room, seq: base.seq)
      default: nil
      }
    }
  }

  var members: [MemberKey] {
    submissions.compactMap { submission in
      if case .remove(let user) = submission.action { MemberKey(room: submission.room.id, user: user.id) } else { nil }
    }
  }

  // MARK: What becomes of it

  func resolve(_ context: Context, now: Milliseconds) -> Resolution {
    var turn = Turn(context: context, now: now)
    for submission in submissions {
      let outcome = turn.take(submission)
      turn.resolution.outcomes.append(outcome)
    }
    return turn.resolution
  }

  /// The state while a batch is gone through.
  private struct Turn {
    var context: Context
    let now: Milliseconds
    var resolution = Resolution()

    mutating func take(_ submission: Submission) -> Outcome {
      let id = submission.room.id
      guard context.heads[submission.room.lane] != nil else { return .busy }
      guard let room = context.rooms[id], !room.isClosed else { return .refused(.roomNotFound(id)) }
      guard !room.isImporting else {
        return .refused(
          ChatError(503, "room_importing", "Room \(id) is being imported; try again later.", retryAfter: 5_000))
      }
      switch submission.action {
      case .send(let text, let data, let replyTo): return send(submission, text, data, replyTo)
      case .edit(let base, let text): return edit(submission, base, text)
      case .delete(let base): return delete(submission, base)
      case .remove(let user): return remove(submission, user)
      case .close: return close(submission)
      }
    }

    private mutating func send(_ submission: Submission, _ text: String, _ data: String?, _ replyTo: Int64?) -> Outcome
    {
      let key = RefKey(submission)
      if let stored = context.refs[key] {
        guard stored.message.text == text || stored.message.text.isEmpty else {
          return .refused(
            ChatError(409, "ref_conflict", "This ref was used for another message.", parameter: "ref"))
        }
        return .committed(stored, duplicate: true)
      }
      let seq = (context.rooms[submission.room.id]?.lastSeq ?? 0) + 1
      let message = Message(
        room: submission.room.id, seq: seq, event: 0, revised: 0, user: submission.actor.name,
        userID: submission.actor.id, text: text, timestamp: now,
        ref: submission.isRefMinted ? nil : submission.ref, data: data, replyTo: replyTo)
      let event = append(.message, message, submission)
      context.refs[key] = event
      return .committed(event, duplicate: false)
    }

    private mutating func edit(_ submission: Submission, _ base: Message, _ text: String) -> Outcome {
      let key = MessageKey(room: base.room, seq: base.seq)
      guard !base.isDeleted, context.changes[key]?.kind != .deletion else {
        return .refused(.messageNotFound(base.room, base.seq))
      }
      // Everything but the text is as it was sent, so an edit in between needs no rebasing.
      var message = base
      message.text = text
      message.editedAt = now
      return .committed(append(.edit, message, submission), duplicate: false)
    }

    private mutating func delete(_ submission: Submission, _ base: Message) -> Outcome {
      let key = MessageKey(room: base.room, seq: base.seq)
      var message = base
      message.text = ""
      message.data = nil
      message.isDeleted = true
      if let change = context.changes[key], change.kind == .deletion {
        message.revised = change.event
        return .committed(event(.deletion, message, submission, number: change.event, position: 0), duplicate: true)
      }
      return .committed(append(.deletion, message, submission), duplicate: false)
    }

    private mutating func remove(_ submission: Submission, _ user: User) -> Outcome {
      let key = MemberKey(room: submission.room.id, user: user.id)
      guard context.members.remove(key) != nil else {
        return .refused(ChatError(404, "member_not_found", "\(user.name) is not a member of room \(key.room)."))
      }
      resolution.removals.append(key)
      return .committed(append(.removal, blank(submission, user: user), submission), duplicate: false)
    }

    private mutating func close(_ submission: Submission) -> Outcome {
      resolution.closures.append(submission.room.id)
      let event = append(.closure, blank(submission, user: submission.actor), submission)
      context.rooms[submission.room.id]?.isClosed = true
      resolution.rooms[submission.room.id]?.isClosed = true
      return .committed(event, duplicate: false)
    }

    private func blank(_ submission: Submission, user: User) -> Message {
      Message(
        room: submission.room.id, seq: 0, event: 0, revised: 0, user: user.name, userID: user.id, text: "",
        timestamp: now)
    }

    /// Gives an event its numbers and notes everything that is to be written of it.
    private mutating func append(_ kind: RoomEvent.Kind, _ message: Message, _ submission: Submission) -> RoomEvent {
      let lane = submission.room.lane
      let position = (context.heads[lane] ?? 0) + 1
      var room =
        context.rooms[message.room]
        ?? RoomState(lastEvent: 0, lastSeq: 0, lastMessageAt: nil, isClosed: false, isImporting: false)
      room.lastEvent += 1
      var message = message
      message.revised = room.lastEvent
      if kind == .message {
        message.event = room.lastEvent
        room.lastSeq = message.seq
        room.lastMessageAt = now
      } else if message.seq == 0 {
        message.event = room.lastEvent
      }
      context.heads[lane] = position
      context.rooms[message.room] = room
      resolution.heads[lane] = position
      resolution.rooms[message.room] = room
      let event = event(kind, message, submission, number: room.lastEvent, position: position)
      resolution.events.append(event)
      resolution.refs.append(kind == .message ? submission.ref : nil)
      if kind != .message { note(event) }
      return event
    }

    private mutating func note(_ event: RoomEvent) {
      let change = RoomChange(
        event: event.event, seq: event.message.seq, kind: event.kind, lastSeq: event.lastSeq)
      resolution.changes.append((event.room, change))
      if change.seq > 0 { context.changes[MessageKey(room: event.room, seq: change.seq)] = change }
    }

    private func event(
      _ kind: RoomEvent.Kind, _ message: Message, _ submission: Submission, number: Int64, position: Int64
    ) -> RoomEvent {
      RoomEvent(
        kind: kind, event: number, lastSeq: context.rooms[message.room]?.lastSeq ?? 0, message: message,
        timestamp: now, lane: submission.room.lane, position: position, routing: submission.room.routing,
        roomKind: submission.room.kind, nonce: submission.nonce)
    }
  }
}

extension LaneBatch.RefKey {
  fileprivate init(_ submission: Submission) {
    self.init(room: submission.room.id, user: submission.actor.id, ref: submission.ref)
  }
}
