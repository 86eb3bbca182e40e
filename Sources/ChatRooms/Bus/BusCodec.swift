/// How `BusMessage`s travel between servers: compact bytes, of a version, with the sender's number.
///
/// ```
/// message = magic, version, sender (8 bytes), kind, body
/// ```
/// Integers are LEB128, signed ones zigzag; strings are their length and UTF-8. Whatever does not decode is dropped by
/// the receiver: a server of another version, or somebody else's bytes.
public enum BusCodec {
  static let magic: UInt8 = 0xB5
  static let version: UInt8 = 1

  private enum Kind: UInt8 {
    case events = 1
    case presence, typing, roomChanged, userChanged, everythingChanged, usersDeleted
  }

  public static func encode(_ message: BusMessage, sender: UInt64) -> [UInt8] {
    var writer = ByteWriter(capacity: capacity(of: message))
    writer.byte(magic)
    writer.byte(version)
    writer.fixed(sender)
    switch message {
    case .events(let events):
      writer.byte(Kind.events.rawValue)
      encode(events, &writer)
    case .presence(let room, let user, let isPresent):
      writer.byte(Kind.presence.rawValue)
      writer.signed(room)
      writer.string(user)
      writer.byte(isPresent ? 1 : 0)
    case .typing(let room, let user):
      writer.byte(Kind.typing.rawValue)
      writer.signed(room)
      writer.string(user)
    case .roomChanged(let room):
      writer.byte(Kind.roomChanged.rawValue)
      writer.signed(room)
    case .userChanged(let name):
      writer.byte(Kind.userChanged.rawValue)
      writer.string(name)
    case .everythingChanged:
      writer.byte(Kind.everythingChanged.rawValue)
    case .usersDeleted(let last):
      writer.byte(Kind.usersDeleted.rawValue)
      writer.signed(last)
    }
    return writer.bytes
  }

  /// `nil` for anything that `encode` of this version did not make.
  public static func decode(_ bytes: [UInt8]) -> (message: BusMessage, sender: UInt64)? {
    var reader = ByteReader(bytes)
    do {
      guard try reader.byte() == magic, try reader.byte() == version else { return nil }
      let sender = try reader.fixed()
      guard let kind = Kind(rawValue: try reader.byte()) else { return nil }
      let message = try decode(kind, &reader)
      return reader.isAtEnd ? (message, sender) : nil
    } catch {
      return nil
    }
  }

  /// The sender's number alone, so that a server need not decode what it said itself.
  static func sender(of bytes: [UInt8]) -> UInt64? {
    var reader = ByteReader(bytes)
    guard (try? reader.byte()) == magic, (try? reader.byte()) == version else { return nil }
    return try? reader.fixed()
  }

  private static func decode(_ kind: Kind, _ reader: inout ByteReader) throws(ByteReader.Malformed) -> BusMessage {
    switch kind {
    case .events: .events(try decodeEvents(&reader))
    case .presence:
      .presence(room: try reader.signed(), user: try reader.string(), isPresent: try reader.byte() != 0)
    case .typing: .typing(room: try reader.signed(), user: try reader.string())
    case .roomChanged: .roomChanged(try reader.signed())
    case .userChanged: .userChanged(name: try reader.string())
    case .everythingChanged: .everythingChanged
    case .usersDeleted: .usersDeleted(upTo: try reader.signed())
    }
  }

  private static func capacity(of message: BusMessage) -> Int {
    guard case .events(let events) = message else { return 96 }
    return events.reduce(32) { $0 + RoomEventCodec.estimatedSize(of: $1) }
  }

  private static func encode(_ events: [RoomEvent], _ writer: inout ByteWriter) {
    writer.unsigned(UInt64(events.count))
    for event in events { RoomEventCodec.encode(event, &writer) }
  }

  private static func decodeEvents(_ reader: inout ByteReader) throws(ByteReader.Malformed) -> [RoomEvent] {
    let count = try reader.unsigned()
    // An event takes more than one byte, so that a wrong count cannot reserve more than what came.
    guard count <= UInt64(reader.remaining) else { throw ByteReader.Malformed() }
    var events: [RoomEvent] = []
    events.reserveCapacity(Int(count))
    for _ in 0..<count { events.append(try RoomEventCodec.decode(&reader)) }
    return events
  }
}
