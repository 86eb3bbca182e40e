import ChatRooms

/// A row to be written: an event, and the ref as it is stored (a minted one is hidden in the event).
public struct JournalRow: Sendable, Equatable {
  public var event: RoomEvent
  public var ref: String?
}

/// Decides what becomes of a batch of submissions: numbers them, drops what was stored before, refuses what cannot be.
///
/// Pure: it takes what was read under the locks of the lanes and says what to write. Positions, events and seqs come
/// out dense, because a submission is numbered only once nothing can refuse it any more.
public struct LaneBatch {
  /// Of each submission, in order.
  public private(set) var outcomes: [Outcome] = []
  /// In the order of their numbers. Those that are no messages are changes as well.
  public private(set) var rows: [JournalRow] = []
  /// Of the rows that are edits and deletions, where the client gave a ref.
  public private(set) var changeRefs: [ChangeRef] = []
  public private(set) var removals: [MemberKey] = []
  public private(set) var closures: [RoomID] = []
  /// Some outcome repeats what an earlier transaction stored: before anybody is told, that must be durable.
  public private(set) var repeatsEarlier = false
  /// The counters as they were read, of rooms that change.
  public private(set) var previous: [RoomID: RoomCounters] = [:]
  /// Lanes that change.
  public private(set) var changedLanes: Set<Int> = []
  var readings: LaneReadings
  /// The rows of messages that this batch stores, by their refs.
  private var sentRows: [RefKey: Int] = [:]
  private let now: Milliseconds

  /// - Parameter now: stamped on what is added.
  public init(_ batch: [Submission], _ readings: LaneReadings, now: Milliseconds) {
    self.readings = readings
    self.now = now
    outcomes.reserveCapacity(batch.count)
    rows.reserveCapacity(batch.count)
    sentRows.reserveCapacity(batch.count)
    for submission in batch { outcomes.append(outcome(of: submission)) }
  }

  /// The new heads of lanes that change.
  public var heads: [Int: Int64] { readings.heads.filter { changedLanes.contains($0.key) } }

  /// One of the lanes that are locked; `nil` if all were busy.
  var lockedLane: Int? { readings.heads.keys.min() }

  /// The new counters of rooms that change.
  public var rooms: [RoomID: RoomCounters] { readings.rooms.filter { previous[$0.key] != nil } }

  private mutating func outcome(of submission: Submission) -> Outcome {
    let room = submission.room
    guard readings.heads[room.lane] != nil else { return .busy }
    if let earlier = earlierAttempt(submission) { return earlier }
    if let error = refusalOfErased(submission) { return .refused(error) }
    guard let counters = readings.rooms[room.id], !counters.isClosed || submission.isWithdrawal else {
      return .refused(.roomNotFound(room.id))
    }
    if counters.isImporting { return .refused(.roomImporting(room.id)) }
    switch submission.action {
    case .send(let text, let data, let replyTo):
      if let replyTo, replyTo < 1 || replyTo > counters.lastSeq { return .refused(.noMessageToReplyTo(replyTo)) }
      return send(submission, text, data, replyTo)
    case .edit(let base, let text): return edit(submission, base, text)
    case .delete(let base): return delete(submission, base)
    case .withdraw(let base, let fate): return withdraw(submission, base, fate)
    case .remove(let user): return remove(submission, user)
    case .close: return close(submission)
    case .announceImport:
      return .committed(
        append(.imported, roomMessage(submission, submission.actor), submission, ref: nil), duplicate: false)
    }
  }

  /// What this submission, or one with its ref, stored before: in an attempt whose outcome remained unknown, by another
  /// server, or a moment ago in this batch. A room that closed since makes no difference to it.
  private mutating func earlierAttempt(_ submission: Submission) -> Outcome? {
    guard case .send(let text, _, _) = submission.action else {
      return earlierChange(submission)
    }
    let key = refKey(submission)
    guard let event = readings.sent[key] ?? sentRows[key].map({ rows[$0].event }) else { return nil }
    guard isFirstText(text, of: event.message, key) else { return .refused(.refConflict(submission.ref)) }
    repeatsEarlier = true
    return .committed(event, duplicate: true)
  }

  /// Of a message that was changed since, a store that keeps present states has no more than the digest, and of one that
  /// was changed by an earlier version, or imported, not even that.
  private func isFirstText(_ text: String, of stored: Message, _ key: RefKey) -> Bool {
    let isFirstState = stored.revised == stored.event && !stored.isDeleted
    if isFirstState { return stored.text.utf8.elementsEqual(text.utf8) }
    return readings.firstTexts[key].map { $0 == ChangeRef.digest(of: text) } ?? true
  }

  /// The nonce tells an earlier attempt at this very submission, the ref any sending of it, wherever.
  private mutating func earlierChange(_ submission: Submission) -> Outcome? {
    if let event = readings.committed[submission.nonce] {
      repeatsEarlier = true
      return .committed(event, duplicate: true)
    }
    guard let stored = readings.changed[refKey(submission)], let base = submission.base else { return nil }
    guard stored.isOf(submission) else { return .refused(.refConflict(submission.ref)) }
    repeatsEarlier = true
    let room = submission.room
    var message = stored.kind == .deletion ? base.tombstone(revised: stored.event) : base
    if case .edit(_, let text) = submission.action, base.revised < stored.event {
      // The message was read before the edit came through.
      message.text = text
      message.editedAt = stored.happenedAt
      message.revised = stored.event
    }
    return .committed(
      RoomEvent(
        kind: stored.kind, event: stored.event, lastSeq: base.seq, message: message, timestamp: stored.happenedAt,
        lane: room.lane, position: 0, routing: room.routing, roomKind: room.kind, nonce: 0), duplicate: true)
  }

  private mutating func send(_ submission: Submission, _ text: String, _ data: String?, _ replyTo: Int64?) -> Outcome {
    let message = Message(
      room: submission.room.id, seq: 0, event: 0, revised: 0, user: submission.actor.name,
      userID: submission.actor.id, text: text, timestamp: now, ref: Submission.visibleRef(submission.ref), data: data,
      replyTo: replyTo)
    sentRows[refKey(submission)] = rows.count
    let event = append(.message, message, submission, ref: submission.ref)
    return .committed(event, duplicate: false)
  }

  private mutating func edit(_ submission: Submission, _ base: Message, _ text: String) -> Outcome {
    guard !base.isDeleted, newestChange(of: base)?.kind != .deletion else {
      return .refused(.messageNotFound(base.room, base.seq))
    }
    // Only edits can have come between, and of the base an edit replaces nothing but the text.
    var message = attributed(base)
    message.text = text
    message.editedAt = now
    let event = append(.edit, message, submission, ref: message.ref)
    noteRef(of: event, submission, digest: ChangeRef.digest(of: text))
    return .committed(event, duplicate: false)
  }

  private mutating func delete(_ submission: Submission, _ base: Message) -> Outcome {
    let change = newestChange(of: base)
    if base.isDeleted || change?.kind == .deletion {
      repeatsEarlier = true
      return .committed(deletion(of: base, change, submission), duplicate: true)
    }
    let event = append(.deletion, attributed(base).tombstone(revised: base.revised), submission, ref: nil)
    readings.add(past: event)
    noteRef(of: event, submission, digest: 0)
    return .committed(event, duplicate: false)
  }

  /// The deletion that there is; put together from the list of changes where its row was trimmed (`position` is 0).
  private func deletion(of base: Message, _ change: RoomChange?, _ submission: Submission) -> RoomEvent {
    if let event = readings.deletions[MessageKey(room: base.room, seq: base.seq)] { return event }
    let event = change?.event ?? base.revised
    return RoomEvent(
      kind: .deletion, event: event, lastSeq: change?.lastSeq ?? base.seq, message: base.tombstone(revised: event),
      timestamp: now, lane: submission.room.lane, position: 0, routing: submission.room.routing,
      roomKind: submission.room.kind, nonce: 0)
  }

  private mutating func remove(_ submission: Submission, _ user: User) -> Outcome {
    let key = MemberKey(room: submission.room.id, user: user.id)
    guard readings.members.remove(key) != nil else { return .refused(.memberNotFound(user.name)) }
    removals.append(key)
    return .committed(append(.removal, roomMessage(submission, user), submission, ref: nil), duplicate: false)
  }

  private mutating func close(_ submission: Submission) -> Outcome {
    closures.append(submission.room.id)
    let event = append(.closure, roomMessage(submission, submission.actor), submission, ref: nil)
    readings.rooms[submission.room.id]?.isClosed = true
    return .committed(event, duplicate: false)
  }

  /// Removals and closures are about no message: `seq` is 0.
  private func roomMessage(_ submission: Submission, _ user: User) -> Message {
    Message(
      room: submission.room.id, seq: 0, event: 0, revised: 0, user: user.name, userID: user.id, text: "",
      timestamp: now)
  }

  func newestChange(of base: Message) -> RoomChange? {
    readings.changes[MessageKey(room: base.room, seq: base.seq)]
  }

  /// Numbers an event and adds its row. Counters come from a database: adding to them must not trap.
  mutating func append(
    _ kind: RoomEvent.Kind, _ message: Message, _ submission: Submission, ref: String?
  ) -> RoomEvent {
    let (room, lane) = (submission.room, submission.room.lane)
    var counters = readings.rooms[room.id] ?? RoomCounters(lastEvent: 0, lastSeq: 0)
    if previous[room.id] == nil { previous[room.id] = counters }
    let position = (readings.heads[lane] ?? 0) &+ 1
    counters.lastEvent &+= 1
    var message = message
    message.revised = counters.lastEvent
    if kind == .message {
      counters.lastSeq &+= 1
      counters.lastMessageAt = now
      message.seq = counters.lastSeq
    }
    if kind != .edit, kind != .deletion { message.event = counters.lastEvent }
    let event = RoomEvent(
      kind: kind, event: counters.lastEvent, lastSeq: counters.lastSeq, message: message, timestamp: now, lane: lane,
      position: position, routing: room.routing, roomKind: room.kind, nonce: submission.nonce)
    readings.heads[lane] = position
    readings.rooms[room.id] = counters
    changedLanes.insert(lane)
    noteChange(event)
    rows.append(JournalRow(event: event, ref: ref))
    return event
  }

  private mutating func noteChange(_ event: RoomEvent) {
    guard event.kind != .message else { return }
    readings.changes[MessageKey(room: event.room, seq: event.message.seq)] = RoomChange(
      event: event.event, seq: event.message.seq, kind: event.kind, lastSeq: event.lastSeq)
  }

  private mutating func noteRef(of event: RoomEvent, _ submission: Submission, digest: Int64) {
    guard !submission.isRefMinted else { return }
    let stored = ChangeRef(
      key: refKey(submission), event: event.event, seq: event.message.seq, kind: event.kind, digest: digest,
      happenedAt: now)
    readings.changed[stored.key] = stored
    changeRefs.append(stored)
  }

  private func refKey(_ submission: Submission) -> RefKey {
    RefKey(room: submission.room.id, user: submission.actor.id, ref: submission.ref)
  }
}

extension Message {
  /// What remains of a deleted message: its number, its author, its time.
  public func tombstone(revised: Int64) -> Message {
    Message(
      room: room, seq: seq, event: event, revised: revised, user: user, userID: userID, text: "",
      timestamp: timestamp, isDeleted: true)
  }
}

extension ChatError {
  static func roomImporting(_ room: RoomID) -> ChatError {
    ChatError(
      503, "room_importing", "Room \(room) is being imported. Try again when that is done.", retryAfter: 5_000)
  }

  static func refConflict(_ ref: String) -> ChatError {
    ChatError(409, "ref_conflict", "The ref \(ref) was used for another text.", parameter: "ref")
  }

  static func noMessageToReplyTo(_ seq: Int64) -> ChatError {
    .invalid("reply_to", "There is no message \(seq) in the room yet to reply to.")
  }

  static func memberNotFound(_ name: String) -> ChatError {
    ChatError(404, "member_not_found", "User \(name) is not a member of the room.", parameter: "user")
  }
}
