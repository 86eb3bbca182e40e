import ChatRooms

/// A tail as bytes for the exchange. Another version's, or damaged ones, decode to `nil`.
enum TailCodec {
  private static let version: UInt8 = 1

  static func encode(_ tail: RoomTail) -> [UInt8] {
    let (messages, changes, older) = tail.contents
    var writer = ByteWriter(capacity: 64 + tail.byteCount)
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

  /// - Parameter capacity: messages that the tail is to keep. Where it has fewer, though the room has more, it is `nil`.
  static func decode(_ bytes: [UInt8], room: RoomID, capacity: Int) -> RoomTail? {
    var reader = ByteReader(bytes)
    guard let tail = try? decode(&reader, room, capacity), reader.isAtEnd, !tail.isPartial else { return nil }
    return tail
  }

  private static func decode(
    _ reader: inout ByteReader, _ room: RoomID, _ capacity: Int
  ) throws(ByteReader.Malformed) -> RoomTail {
    guard try reader.byte() == version else { throw ByteReader.Malformed() }
    let position = RoomPosition(
      epoch: try reader.string(), lastEvent: try reader.signed(), lastSeq: try reader.signed(),
      lastMessageAt: try reader.signed())
    let floor = try reader.signed()
    let messages = try decodeMessages(&reader)
    guard isDense(messages, of: room, upTo: position.lastSeq) else { throw ByteReader.Malformed() }
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
    return RoomTail(
      position: known, messages: messages, changes: changes, changesFloor: floor, olderChanged: older,
      capacity: capacity)
  }

  /// Ends with the first message that is not there, so that a wrong count costs nothing.
  private static func decodeMessages(_ reader: inout ByteReader) throws(ByteReader.Malformed) -> [Message] {
    var messages: [Message] = []
    for _ in 0..<(try reader.unsigned()) { messages.append(try MessageCodec.decode(&reader)) }
    return messages
  }

  /// Whether these are what they should be: the room's newest messages, without a hole.
  private static func isDense(_ messages: [Message], of room: RoomID, upTo lastSeq: Int64) -> Bool {
    let first = lastSeq - Int64(messages.count)
    return messages.enumerated().allSatisfy { $1.room == room && $1.seq == first + Int64($0) + 1 }
      && (messages.isEmpty ? lastSeq == 0 : first >= 0)
  }
}
