import ChatRooms
import Drivers

/// A tail as bytes for the exchange. Another version's, or damaged ones, decode to `nil`.
enum TailCodec {
  private static let version: Int64 = 1

  static func encode(_ tail: RoomTail) -> [UInt8] {
    let (messages, changes, older) = tail.contents
    var writer = JSONWriter(capacity: 4_096 + tail.textBytes * 2)
    writer.array {
      $0.value(version)
      $0.value(tail.position.epoch)
      $0.value(tail.position.lastEvent)
      $0.value(tail.position.lastSeq)
      $0.optional(tail.position.lastMessageAt)
      $0.value(tail.changesFloor)
      $0.array { writer in for message in messages { append(message, to: &writer) } }
      $0.array { writer in for message in older { append(message, to: &writer) } }
      $0.array { writer in
        for change in changes {
          for number in [change.event, change.seq, Int64(change.kind.rawValue), change.lastSeq] { writer.value(number) }
        }
      }
    }
    return writer.bytes
  }

  static func decode(_ bytes: [UInt8], room: RoomID) -> RoomTail? {
    guard let fields = try? JSONValue(parsing: bytes).array, fields.count == 9, fields[0].integer == version,
      let epoch = fields[1].string, let lastEvent = fields[2].integer, let lastSeq = fields[3].integer,
      let floor = fields[5].integer, let messages = self.messages(fields[6], room: room),
      let older = self.messages(fields[7], room: room), let changes = self.changes(fields[8]),
      messages.last?.seq ?? 0 == lastSeq || messages.isEmpty && lastSeq == 0
    else { return nil }
    return RoomTail(
      position: RoomPosition(
        epoch: epoch, lastEvent: lastEvent, lastSeq: lastSeq, lastMessageAt: fields[4].integer),
      messages: messages, changes: changes, changesFloor: floor, olderChanged: older)
  }

  private static func append(_ message: Message, to writer: inout JSONWriter) {
    writer.array {
      for number in [message.seq, message.event, message.revised, message.userID, message.timestamp] {
        $0.value(number)
      }
      $0.value(message.user)
      $0.value(message.text)
      $0.value(message.isDeleted)
      $0.optional(message.ref)
      $0.optional(message.data)
      $0.optional(message.replyTo)
      $0.optional(message.editedAt)
    }
  }

  private static func messages(_ value: JSONValue, room: RoomID) -> [Message]? {
    guard let values = value.array else { return nil }
    let messages = values.compactMap { message($0, room: room) }
    return messages.count == values.count ? messages : nil
  }

  private static func message(_ value: JSONValue, room: RoomID) -> Message? {
    guard let fields = value.array, fields.count == 12 else { return nil }
    let numbers = fields[..<5].compactMap(\.integer)
    guard numbers.count == 5, let user = fields[5].string, let text = fields[6].string,
      let isDeleted = fields[7].boolean
    else { return nil }
    return Message(
      room: room, seq: numbers[0], event: numbers[1], revised: numbers[2], user: user, userID: numbers[3], text: text,
      timestamp: numbers[4], ref: fields[8].string, data: fields[9].string, replyTo: fields[10].integer,
      editedAt: fields[11].integer, isDeleted: isDeleted)
  }

  private static func changes(_ value: JSONValue) -> [RoomChange]? {
    guard let numbers = value.array?.compactMap(\.integer), numbers.count % 4 == 0 else { return nil }
    let changes = stride(from: 0, to: numbers.count, by: 4).compactMap { start -> RoomChange? in
      guard let kind = UInt8(exactly: numbers[start + 2]).flatMap(RoomEvent.Kind.init) else { return nil }
      return RoomChange(event: numbers[start], seq: numbers[start + 1], kind: kind, lastSeq: numbers[start + 3])
    }
    return changes.count == numbers.count / 4 ? changes : nil
  }
}

extension JSONWriter {
  fileprivate mutating func optional(_ text: String?) {
    if let text { value(text) } else { null() }
  }

  fileprivate mutating func optional(_ number: Int64?) {
    if let number { value(number) } else { null() }
  }
}
