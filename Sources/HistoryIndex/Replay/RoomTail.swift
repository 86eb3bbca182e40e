import ChatRooms

/// The newest part of a room in its present state: enough for every join and most resumes. Pure.
///
/// Holds each message of a dense range of `seq` up to the newest (deleted ones as tombstones), every change after
/// `changesFloor`, and the changed messages that are older than the range. Frames are rendered once and kept.
struct RoomTail: Sendable {
  /// Messages kept; trimmed in steps so that it costs nothing a message.
  static let capacity = HistoryLimits.block
  static let slack = HistoryLimits.block / 4

  private(set) var position: RoomPosition
  /// `changes` is complete for events after this one.
  private(set) var changesFloor: Int64
  private var changes: [RoomChange]
  private var entries: [Entry]
  private var olderChanged: [Int64: Entry]
  /// Bytes of texts held, about.
  private(set) var textBytes: Int

  /// A message with its frames, as far as they were asked for.
  private struct Entry: Sendable {
    var message: Message
    var raw: WebSocketFrame?
    var v1: WebSocketFrame?

    init(_ message: Message) { self.message = message }
  }

  /// - Parameters:
  ///   - messages: rising and dense up to `position.lastSeq`.
  ///   - changes: rising, all after `changesFloor`; those after `position` are ignored (they come as events).
  ///   - olderChanged: messages before the range that `changes` names.
  init(
    position: RoomPosition, messages: [Message], changes: [RoomChange], changesFloor: Int64, olderChanged: [Message]
  ) {
    self.position = position
    self.changesFloor = changesFloor
    self.changes = changes.filter { $0.event <= position.lastEvent }
    entries = messages.map(Entry.init)
    self.olderChanged = Dictionary(olderChanged.map { ($0.seq, Entry($0)) }) { first, _ in first }
    textBytes = (messages + olderChanged).reduce(0) { $0 + $1.text.utf8.count }
  }

  /// What `init` takes, to leave it for other servers.
  var contents: (messages: [Message], changes: [RoomChange], olderChanged: [Message]) {
    (entries.map(\.message), changes, olderChanged.values.map(\.message).sorted { $0.seq < $1.seq })
  }

  /// The tail at a later position, given every change in between and the present state of each message that is new or
  /// changed. `nil` if the numbers do not fit.
  func advanced(to later: RoomPosition, changes newer: [RoomChange], messages: [Message]) -> RoomTail? {
    let (mine, older, edited) = contents
    var present = Dictionary(uniqueKeysWithValues: (mine + edited).map { ($0.seq, $0) })
    for message in messages { present[message.seq] = message }
    let range = firstSeq..<later.lastSeq + 1
    let dense = range.compactMap { present[$0] }
    guard dense.count == range.count else { return nil }
    return RoomTail(
      position: later, messages: dense, changes: older + newer, changesFloor: changesFloor,
      olderChanged: present.values.filter { $0.seq < firstSeq })
  }

  var messageCount: Int { entries.count + olderChanged.count }
  /// Fewer messages than a tail should hold: it was read while the history did not answer.
  var isPartial: Bool { entries.count < min(Self.capacity, Int(clamping: position.lastSeq)) }
  private var firstSeq: Int64 { position.lastSeq - Int64(entries.count) + 1 }

  /// Takes the next event. Returns false, and changes nothing, if it is not the next one.
  mutating func apply(_ event: RoomEvent) -> Bool {
    guard event.event == position.lastEvent + 1 else { return false }
    position.lastEvent = event.event
    switch event.kind {
    case .message:
      position.lastSeq = event.message.seq
      position.lastMessageAt = event.message.timestamp
      entries.append(Entry(event.message))
      textBytes += event.message.text.utf8.count
      trim()
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
    let index = Int(message.seq - firstSeq)
    if entries.indices.contains(index) {
      // A fill may have read a state newer than the position it began at.
      guard entries[index].message.revised < message.revised else { return }
      textBytes += message.text.utf8.count - entries[index].message.text.utf8.count
      entries[index] = Entry(message)
    } else if (olderChanged[message.seq]?.message.revised ?? 0) < message.revised {
      textBytes += message.text.utf8.count - (olderChanged[message.seq]?.message.text.utf8.count ?? 0)
      olderChanged[message.seq] = Entry(message)
    }
  }

  /// Drops the oldest messages and the changes that no resume within the limit can ask for.
  private mutating func trim() {
    guard entries.count >= Self.capacity + Self.slack else { return }
    let dropped = entries.count - Self.capacity
    for entry in entries[..<dropped] where entry.message.revised > entry.message.event {
      olderChanged[entry.message.seq] = entry
    }
    entries.removeFirst(dropped)
    trimChanges()
  }

  private mutating func trimChanges() {
    let floor = max(changesFloor, position.lastEvent - Int64(HistoryLimits.join.upperBound))
    changes.removeAll { $0.event <= floor }
    changesFloor = floor
    let named = Set(changes.map(\.seq))
    olderChanged = olderChanged.filter { named.contains($0.key) }
    textBytes = (entries + olderChanged.values).reduce(0) { $0 + $1.message.text.utf8.count }
  }
}

// MARK: - Answers

extension RoomTail {
  /// What a join is answered with, and the frames that follow `ready`, rising by event.
  mutating func answer(_ request: JoinRequest) -> (state: JoinState, frames: [WebSocketFrame]) {
    var state = JoinState(position: position, since: request.since, isComplete: true, isReset: false)
    guard let since = request.since else {
      let frames = newest(request.limit, format: request.format)
      state.isComplete = !isPartial || frames.count == request.limit
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

  private mutating func newest(_ limit: Int, format: WireFormat) -> [WebSocketFrame] {
    var frames: [WebSocketFrame] = []
    var index = entries.count - 1
    while index >= 0, frames.count < limit {
      if !entries[index].message.isDeleted { frames.append(frame(at: index, format: format)) }
      index -= 1
    }
    return frames.reversed()
  }

  /// One frame for each message touched after `since`, in its present state, by position. `nil` if that is not known.
  private mutating func frames(after since: Int64, format: WireFormat) -> [WebSocketFrame]? {
    guard since >= changesFloor else { return nil }
    let later = changes.filter { $0.event > since }
    let seqThen = RoomTail.seq(at: since, position: position, firstChange: later.first)
    guard seqThen + 1 >= firstSeq else { return nil }
    var positioned: [(event: Int64, frame: WebSocketFrame)] = []
    var index = Int(seqThen + 1 - firstSeq)
    while index < entries.count {
      let message = entries[index].message
      if !message.isDeleted { positioned.append((message.event, frame(at: index, format: format))) }
      index += 1
    }
    if format == .v1 {
      for (seq, event) in RoomTail.lastChanges(later, upTo: seqThen) {
        guard let frame = changedFrame(seq: seq, event: event) else { return nil }
        positioned.append((event, frame))
      }
      positioned.sort { $0.event < $1.event }
    }
    return positioned.map(\.frame)
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
    let index = Int(seq - firstSeq)
    guard var message = entries.indices.contains(index) ? entries[index].message : olderChanged[seq]?.message else {
      return nil
    }
    if message.isDeleted { return MessageWire.deletedFrame(room: message.room, event: event, seq: seq) }
    message.revised = event
    return MessageWire.editedFrame(message)
  }

  private mutating func frame(at index: Int, format: WireFormat) -> WebSocketFrame {
    switch format {
    case .raw:
      if let frame = entries[index].raw { return frame }
      let frame = MessageWire.rawFrame(entries[index].message)
      entries[index].raw = frame
      return frame
    case .v1:
      if let frame = entries[index].v1 { return frame }
      let frame = MessageWire.messageFrame(entries[index].message)
      entries[index].v1 = frame
      return frame
    }
  }
}
