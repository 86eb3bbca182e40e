/// The bytes of one event among `BusCodec`'s.
enum RoomEventCodec {
  /// What is there of the optional parts.
  private struct Parts: OptionSet {
    let rawValue: UInt8
    static let ref = Parts(rawValue: 1)
    static let data = Parts(rawValue: 2)
    static let replyTo = Parts(rawValue: 4)
    static let editedAt = Parts(rawValue: 8)
    static let deleted = Parts(rawValue: 16)
  }

  static func estimatedSize(of event: RoomEvent) -> Int {
    let message = event.message
    return 96 + message.text.utf8.count + message.user.utf8.count + (message.data?.utf8.count ?? 0)
  }

  static func encode(_ event: RoomEvent, _ writer: inout ByteWriter) {
    let message = event.message
    writer.byte(event.kind.rawValue)
    writer.byte(event.roomKind.rawValue)
    writer.byte(parts(of: message).rawValue)
    writer.signed(Int64(event.lane))
    writer.signed(event.position)
    writer.signed(event.event)
    writer.signed(event.lastSeq)
    writer.signed(event.timestamp)
    writer.string(event.routing)
    writer.fixed(UInt64(bitPattern: event.nonce))
    encode(message, &writer)
  }

  private static func parts(of message: Message) -> Parts {
    var parts: Parts = []
    if message.ref != nil { parts.insert(.ref) }
    if message.data != nil { parts.insert(.data) }
    if message.replyTo != nil { parts.insert(.replyTo) }
    if message.editedAt != nil { parts.insert(.editedAt) }
    if message.isDeleted { parts.insert(.deleted) }
    return parts
  }

  private static func encode(_ message: Message, _ writer: inout ByteWriter) {
    writer.signed(message.room)
    writer.signed(message.seq)
    writer.signed(message.event)
    writer.signed(message.revised)
    writer.string(message.user)
    writer.signed(message.userID)
    writer.string(message.text)
    writer.signed(message.timestamp)
    if let ref = message.ref { writer.string(ref) }
    if let data = message.data { writer.string(data) }
    if let replyTo = message.replyTo { writer.signed(replyTo) }
    if let editedAt = message.editedAt { writer.signed(editedAt) }
  }

  static func decode(_ reader: inout ByteReader) throws(ByteReader.Malformed) -> RoomEvent {
    guard let kind = RoomEvent.Kind(rawValue: try reader.byte()), let roomKind = Room.Kind(rawValue: try reader.byte())
    else { throw ByteReader.Malformed() }
    let parts = Parts(rawValue: try reader.byte())
    guard let lane = Int(exactly: try reader.signed()) else { throw ByteReader.Malformed() }
    let position = try reader.signed()
    let event = try reader.signed()
    let lastSeq = try reader.signed()
    let timestamp = try reader.signed()
    let routing = try reader.string()
    let nonce = Int64(bitPattern: try reader.fixed())
    return RoomEvent(
      kind: kind, event: event, lastSeq: lastSeq, message: try decodeMessage(parts, &reader), timestamp: timestamp,
      lane: lane, position: position, routing: routing, roomKind: roomKind, nonce: nonce)
  }

  private static func decodeMessage(
    _ parts: Parts, _ reader: inout ByteReader
  ) throws(ByteReader.Malformed) -> Message {
    var message = Message(
      room: try reader.signed(), seq: try reader.signed(), event: try reader.signed(), revised: try reader.signed(),
      user: try reader.string(), userID: try reader.signed(), text: try reader.string(),
      timestamp: try reader.signed(), isDeleted: parts.contains(.deleted))
    if parts.contains(.ref) { message.ref = try reader.string() }
    if parts.contains(.data) { message.data = try reader.string() }
    if parts.contains(.replyTo) { message.replyTo = try reader.signed() }
    if parts.contains(.editedAt) { message.editedAt = try reader.signed() }
    return message
  }
}
