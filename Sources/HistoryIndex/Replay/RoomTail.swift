import ChatRooms

/// The newest part of a room in its present state: enough for every join and most resumes. Pure.
///
/// Holds each message of a dense range of `seq` up to the newest (deleted ones as tombstones), every change after
/// `changesFloor`, and the changed messages that are older than the range. Frames are made of the messages' JSON when
/// somebody joins, and the newest answer is kept for the next who asks the same.
struct RoomTail: Sendable {
  private(set) var position: RoomPosition
  /// `changes` is complete for events after this one.
  private(set) var changesFloor: Int64
  private(set) var recent: RecentMessages
  private var changes: [RoomChange]
  private var olderChanged: [Int64: Message]
  private var lastAnswer: (question: Question, frames: [WebSocketFrame])?

  private enum Question: Equatable {
    case newest(Int, WireFormat)
    case after(Int64, WireFormat)
  }

  /// - Parameters:
  ///   - messages: rising and dense up to `position.lastSeq`.
  ///   - changes: rising, all after `changesFloor`; those after `position` are ignored (they come as events).
  ///   - olderChanged: messages before the range that `changes` names.
  ///   - capacity: messages to keep.
  init(
    position: RoomPosition, messages: [Message], changes: [RoomChange], changesFloor: Int64, olderChanged: [Message],
    capacity: Int = HistoryLimits.block
  ) {
    self.position = position
    self.changesFloor = changesFloor
    self.changes = changes.filter { $0.event <= position.lastEvent }
    recent = RecentMessages(messages, lastSeq: position.lastSeq, capacity: capacity)
    self.olderChanged = Dictionary(olderChanged.map { ($0.seq, $0) }) { first, _ in first }
  }

  /// What `init` takes, to leave it for other servers.
  var contents: (messages: [Message], changes: [RoomChange], olderChanged: [Message]) {
    (recent.messages, changes, olderChanged.values.sorted { $0.seq < $1.seq })
  }

  /// The tail at a later position, given every change in between and the present state of each message that is new or
  /// changed. `nil` if the numbers do not fit.
  func advanced(to later: RoomPosition, changes newer: [RoomChange], messages: [Message]) -> RoomTail? {
    let (mine, older, edited) = contents
    var present = Dictionary(uniqueKeysWithValues: (mine + edited).map { ($0.seq, $0) })
    for message in messages { present[message.seq] = message }
    let range = recent.firstSeq..<later.lastSeq + 1
    let dense = range.compactMap { present[$0] }
    guard dense.count == range.count else { return nil }
    return RoomTail(
      position: later, messages: dense, changes: older + newer, changesFloor: changesFloor,
      olderChanged: present.values.filter { $0.seq < recent.firstSeq }, capacity: recent.capacity)
  }

  /// Bytes held.
  var byteCount: Int {
    recent.byteCount + changes.capacity * MemoryLayout<RoomChange>.stride + (lastAnswer?.frames.first?.bytes.count ?? 0)
      + olderChanged.values.reduce(0) { $0 + MemoryLayout<Message>.size + $1.text.utf8.count }
  }
  /// Fewer messages than a tail should hold: it was read while the history did not answer.
  var isPartial: Bool { recent.count < min(recent.capacity, Int(clamping: position.lastSeq)) }

  /// Takes the next event. Returns false, and changes nothing, if it is not the next one.
  mutating func apply(_ event: RoomEvent) -> Bool {
    guard event.event == position.lastEvent + 1 else { return false }
    guard event.kind != .message || event.message.seq == position.lastSeq + 1 else { return false }
    position.lastEvent = event.event
    lastAnswer = nil
    switch event.kind {
    case .message:
      position.lastSeq = event.message.seq
      position.lastMessageAt = event.message.timestamp
      let dropped = recent.append(event.message)
      if !dropped.isEmpty { trim(dropped) }
    case .edit, .deletion:
      replace(event.message)
      note(event)
    case .removal, .closure, .imported:
      note(event)
    }
    return true
  }

  private mutating func note(_ event: RoomEvent) {
    changes.append(
      RoomChange(event: event.event, seq: event.message.seq, kind: event.kind, lastSeq: position.lastSeq))
    // A room may be edited for ever without a new message.
    if changes.count >= 2 * HistoryLimits.join.upperBound { trimChanges() }
  }

  private mutating func replace(_ message: Message) {
    // A fill may have read a state newer than the position it began at.
    if recent.replace(message) || (olderChanged[message.seq]?.revised ?? 0) >= message.revised { return }
    olderChanged[message.seq] = message
  }

  /// Keeps what changes name of messages that are no longer among the newest, and drops the changes that no resume
  /// within the limit can ask for.
  private mutating func trim(_ dropped: [MessageBlock]) {
    for block in dropped {
      for seq in block.changed { olderChanged[seq] = block.message(seq) }
    }
    trimChanges()
  }

  /// Keeps fewer messages from now on.
  mutating func shorten(to capacity: Int) {
    trim(recent.shorten(to: capacity))
    lastAnswer = nil
  }

  private mutating func trimChanges() {
    let floor = max(changesFloor, position.lastEvent - Int64(HistoryLimits.join.upperBound))
    changes.removeAll { $0.event <= floor }
    changesFloor = floor
    let named = Set(changes.map(\.seq))
    olderChanged = olderChanged.filter { named.contains($0.key) }
  }
}

// MARK: - Answers

extension RoomTail {
  /// What a join is answered with, and the frames that follow `ready`, rising by event: one piece, or none.
  mutating func answer(_ request: JoinRequest) -> (state: JoinState, frames: [WebSocketFrame]) {
    var state = JoinState(position: position, since: request.since, isComplete: true, isReset: false)
    guard let since = request.since else {
      let frames = newest(request.limit, format: request.format)
      state.isComplete = !isPartial || frames.first?.count == request.limit
      return (state, frames)
    }
    let isForeign = request.epoch.map { $0 != position.epoch } ?? false
    if isForeign || since > position.lastEvent {
      state.isReset = true
      state.isComplete = false
    } else if position.lastEvent - since > Int64(request.limit) {
      state.isComplete = false
    } else if let frames = frames(after: since, format: request.format) {
      return (state, frames)
    } else {
      state.isComplete = false
    }
    return (state, newest(request.limit, format: request.format))
  }

  /// Whether a tail with more messages would give a better answer.
  func isTooShort(for request: JoinRequest) -> Bool {
    guard recent.capacity < HistoryLimits.block, recent.firstSeq > 1 else { return false }
    guard let since = request.since, since >= changesFloor, since <= position.lastEvent,
      position.lastEvent - since <= Int64(request.limit), request.epoch ?? position.epoch == position.epoch
    else { return !recent.has(request.limit) }
    let seqThen = RoomTail.seq(at: since, position: position, firstChange: changes.first { $0.event > since })
    return seqThen + 1 < recent.firstSeq
  }

  /// The newest answer, where it was to the same question.
  private mutating func answer(to question: Question, _ make: (RoomTail) -> WebSocketFrame?) -> [WebSocketFrame] {
    if let lastAnswer, lastAnswer.question == question { return lastAnswer.frames }
    let frames = make(self).map { [$0] } ?? []
    lastAnswer = (question, frames)
    return frames
  }

  private mutating func newest(_ limit: Int, format: WireFormat) -> [WebSocketFrame] {
    answer(to: .newest(limit, format)) { tail in
      tail.frame(from: tail.recent.firstSeq(ofNewest: limit), [], format: format)
    }
  }

  /// One frame for each message touched after `since`, in its present state, by position. `nil` if that is not known.
  private mutating func frames(after since: Int64, format: WireFormat) -> [WebSocketFrame]? {
    guard since >= changesFloor else { return nil }
    let later = changes.filter { $0.event > since }
    let seqThen = RoomTail.seq(at: since, position: position, firstChange: later.first)
    guard seqThen + 1 >= recent.firstSeq else { return nil }
    var changed: [PositionedFrame] = []
    if format == .v1 {
      for (seq, event) in RoomTail.lastChanges(later, upTo: seqThen) {
        guard let frame = changedFrame(seq: seq, event: event) else { return nil }
        changed.append((event, frame))
      }
      changed.sort { $0.event < $1.event }
    }
    return answer(to: .after(since, format)) { $0.frame(from: seqThen + 1, changed, format: format) }
  }

  private typealias PositionedFrame = (event: Int64, frame: WebSocketFrame)

  /// The messages from a number on, and the frames of older ones that changed, rising by event.
  private func frame(from seq: Int64, _ changed: [PositionedFrame], format: WireFormat) -> WebSocketFrame? {
    var run = WebSocketFrame.Run(capacity: recent.frameBytes(from: seq))
    var changed = changed[...]
    recent.visit(from: seq) { event, object in
      while let change = changed.first, change.event < event {
        run.append(change.frame)
        changed.removeFirst()
      }
      switch format {
      case .raw: MessageWire.appendRawFrame(of: object, to: &run)
      case .v1: MessageWire.appendMessageFrame(of: object, to: &run)
      }
    }
    for change in changed { run.append(change.frame) }
    return run.frame
  }

  /// The newest `seq` at an event: between two changes every event is a message.
  static func seq(at event: Int64, position: RoomPosition, firstChange: RoomChange?) -> Int64 {
    if let change = firstChange { return change.lastSeq - (change.event - 1 - event) }
    return position.lastSeq - (position.lastEvent - event)
  }

  private static func lastChanges(_ changes: [RoomChange], upTo seq: Int64) -> [Int64: Int64] {
    var last: [Int64: Int64] = [:]
    for change in changes where change.seq > 0 && change.seq <= seq { last[change.seq] = change.event }
    return last
  }

  /// Stands at the change that is known here, though the state may be newer already: the newer change follows live.
  private func changedFrame(seq: Int64, event: Int64) -> WebSocketFrame? {
    guard var message = recent.block(of: seq)?.message(seq) ?? olderChanged[seq] else { return nil }
    if message.isDeleted { return MessageWire.deletedFrame(room: message.room, event: event, seq: seq) }
    message.revised = event
    return MessageWire.editedFrame(message)
  }
}
