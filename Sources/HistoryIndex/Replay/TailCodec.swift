import ChatRooms

/// A tail as bytes for the exchange. Another version's, or damaged ones, decode to `nil`.
enum TailCodec {
  private static let version: UInt8 = 1

  static func encode(_ tail: RoomTail) -> [UInt8] {
    let (messages, changes, older) = tail.contents
    var writer = ByteWriter(capacity: 64 + tail.textBytes + tail.messageCount * 64)
    writer.byte(version)
    writer.string(tail.position.epoch)
    writer.signed(tail.position.lastEvent)
    writer.signed(tail.position.lastSeq)
    writer.signed(tail.position.lastMessageAt ?? -1)
    writer.signed(tail.changesFloor)
    for list in [messages, older] {
      writer.unsigned(UInt64(list.count))
      for message in list { MessageCodec.encode(message, &writer) }
    }
    writer.unsigned(UInt64(changes.count))
    for change in changes {
      writer.byte(change.kind.rawValue)
      writer.signed(change.event)
      writer.signed(change.seq)
      writer.signed(change.lastSeq)
    }
    return writer.bytes
  }

  static func decode(_ bytes: [UInt8], room: RoomID) -> RoomTail? {
    var reader = ByteReader(bytes)
    guard let tail = try? decode(&reader), reader.isAtEnd, tail.isOf(room) else { return nil }
    return tail
  }

  private static func decode(_ reader: inout ByteReader) throws(ByteReader.Malformed) -> RoomTail {
    guard try reader.byte() == version else { throw ByteReader.Malformed() }
    let position = RoomPosition(
      epoch: try reader.string(), lastEvent: try reader.signed(), lastSeq: try reader.signed(),
      lastMessageAt: try reader.signed())
    let floor = try reader.signed()
    let messages = try decodeMessages(&reader)
    let older = try decodeMessages(&reader)
    var changes: [RoomChange] = []
    for _ in 0..<(try reader.unsigned()) {
      guard let kind = RoomEvent.Kind(rawValue: try reader.byte()) else { throw ByteReader.Malformed() }
      changes.append(
        RoomChange(
          event: try reader.signed(), seq: try reader.signed(), kind: kind, lastSeq: try reader.signed()))
    }
    var known = position
    if position.lastMessageAt == -1 { known.lastMessageAt = nil }
    return RoomTail(position: known, messages: messages, changes: changes, changesFloor: floor, olderChanged: older)
  }

  /// Ends with the first message that is not there, so that a wrong count costs nothing.
  private static func decodeMessages(_ reader: inout ByteReader) throws(ByteReader.Malformed) -> [Message] {
    var messages: [Message] = []
    for _ in 0..<(try reader.unsigned()) { messages.append(try MessageCodec.decode(&reader)) }
    return messages
  }
}

extension RoomTail {
  /// Whether this is what it says: the room's newest messages, without a hole.
  fileprivate func isOf(_ room: RoomID) -> Bool {
    let messages = contents.messages
    let first = position.lastSeq - Int64(messages.count)
    return messages.enumerated().allSatisfy { $1.room == room && $1.seq == first + Int64($0) + 1 }
      && (messages.isEmpty ? position.lastSeq == 0 : first >= 0)
  }
}
