import ChatRooms

@testable import HistoryIndex

/// A room as a plain list of what happened, from which every expected answer is computed the slow way.
struct RoomModel {
  static let room = Room(id: 7, name: "model", topic: nil, kind: .public, lane: 0, routing: "7", createdAt: 0)

  private(set) var events: [RoomEvent] = []
  private(set) var messages: [Message] = []

  var position: RoomPosition {
    RoomPosition(epoch: "e1", lastEvent: Int64(events.count), lastSeq: Int64(messages.count))
  }

  var changes: [RoomChange] {
    events.filter { $0.kind != .message }.map {
      RoomChange(event: $0.event, seq: $0.message.seq, kind: $0.kind, lastSeq: $0.lastSeq)
    }
  }

  mutating func step(using random: inout some RandomNumberGenerator) {
    let alive = messages.filter { !$0.isDeleted }
    switch Int.random(in: 0..<10, using: &random) {
    case 0..<2: if let target = alive.randomElement(using: &random) { edit(target.seq) } else { send() }
    case 2: if let target = alive.randomElement(using: &random) { delete(target.seq) } else { send() }
    case 3: append(.removal, Message.blank(event: next))
    default: send()
    }
  }

  mutating func send() {
    let message = Message(
      room: Self.room.id, seq: Int64(messages.count + 1), event: next, revised: next, user: "u", userID: 1,
      text: "t\(next)", timestamp: next)
    messages.append(message)
    append(.message, message)
  }

  mutating func edit(_ seq: Int64) { change(seq, .edit) { $0.text = "edited at \($0.revised)" } }

  mutating func delete(_ seq: Int64) {
    change(seq, .deletion) {
      $0.text = ""
      $0.isDeleted = true
    }
  }

  private var next: Int64 { Int64(events.count + 1) }

  private mutating func change(_ seq: Int64, _ kind: RoomEvent.Kind, _ body: (inout Message) -> Void) {
    messages[Int(seq - 1)].revised = next
    body(&messages[Int(seq - 1)])
    append(kind, messages[Int(seq - 1)])
  }

  private mutating func append(_ kind: RoomEvent.Kind, _ message: Message) {
    events.append(
      RoomEvent(
        kind: kind, event: next, lastSeq: Int64(messages.count), message: message, timestamp: next, lane: 0,
        position: next, routing: "7", roomKind: .public, nonce: next))
  }

  /// What a `palaver.v1` client that has seen everything up to `since` must be sent.
  func replay(after since: Int64) -> [WebSocketFrame] {
    let frames = messages.compactMap { message -> (Int64, WebSocketFrame)? in
      guard message.revised > since else { return nil }
      if message.event > since {
        return message.isDeleted ? nil : (message.event, MessageWire.messageFrame(message))
      }
      let frame =
        message.isDeleted
        ? MessageWire.deletedFrame(room: message.room, event: message.revised, seq: message.seq)
        : MessageWire.editedFrame(message)
      return (message.revised, frame)
    }
    return frames.sorted { $0.0 < $1.0 }.map(\.1)
  }

  func newest(_ limit: Int) -> [WebSocketFrame] {
    messages.filter { !$0.isDeleted }.suffix(limit).map(MessageWire.messageFrame)
  }

  /// A tail as it would be loaded at this moment.
  func tail(newest count: Int = HistoryLimits.block) -> RoomTail {
    let floor = max(0, position.lastEvent - Int64(HistoryLimits.join.upperBound))
    let firstSeq = max(1, position.lastSeq - Int64(count) + 1)
    let recent = changes.filter { $0.event > floor }
    return RoomTail(
      position: position, messages: messages.filter { $0.seq >= firstSeq }, changes: recent, changesFloor: floor,
      olderChanged: messages.filter { message in message.seq < firstSeq && recent.contains { $0.seq == message.seq } },
      capacity: count)
  }
}

extension Message {
  static func blank(event: Int64) -> Message {
    Message(room: RoomModel.room.id, seq: 0, event: event, revised: event, user: "u", userID: 1, text: "", timestamp: 0)
  }
}

extension JoinRequest {
  static func test(
    _ id: UInt64 = 1, room: Room = RoomModel.room, since: Int64? = nil, epoch: String? = nil, limit: Int = 1_000,
    format: WireFormat = .v1
  ) -> JoinRequest {
    JoinRequest(
      subscription: SubscriptionID(id), room: room,
      user: User(id: 1, name: "u", displayName: nil, createdAt: 0), format: format, since: since, epoch: epoch,
      limit: limit)
  }
}
