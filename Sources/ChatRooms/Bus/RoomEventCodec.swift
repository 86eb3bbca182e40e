/// The bytes of one event among `BusCodec`'s.
enum RoomEventCodec {
  static func estimatedSize(of event: RoomEvent) -> Int {
    64 + MessageCodec.estimatedSize(of: event.message)
  }

  static func encode(_ event: RoomEvent, _ writer: inout ByteWriter) {
    writer.byte(event.kind.rawValue)
    writer.byte(event.roomKind.rawValue)
    writer.signed(Int64(event.lane))
    writer.signed(event.position)
    writer.signed(event.event)
    writer.signed(event.lastSeq)
    writer.signed(event.timestamp)
    writer.string(event.routing)
    writer.fixed(UInt64(bitPattern: event.nonce))
    MessageCodec.encode(event.message, &writer)
  }

  static func decode(_ reader: inout ByteReader) throws(ByteReader.Malformed) -> RoomEvent {
    guard let kind = RoomEvent.Kind(rawValue: try reader.byte()), let roomKind = Room.Kind(rawValue: try reader.byte())
    else { throw ByteReader.Malformed() }
    guard let lane = Int(exactly: try reader.signed()) else { throw ByteReader.Malformed() }
    let position = try reader.signed()
    let event = try reader.signed()
    let lastSeq = try reader.signed()
    let timestamp = try reader.signed()
    let routing = try reader.string()
    let nonce = Int64(bitPattern: try reader.fixed())
    return RoomEvent(
      kind: kind, event: event, lastSeq: lastSeq, message: try MessageCodec.decode(&reader), timestamp: timestamp,
      lane: lane, position: position, routing: routing, roomKind: roomKind, nonce: nonce)
  }
}
