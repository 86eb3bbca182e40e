/// Rooms, users and memberships as bytes in Redis. Another version's, or damaged ones, decode to `nil`.
enum RoomCacheCodec {
  private static let version: UInt8 = 1

  static func encode(_ room: Room) -> [UInt8] {
    encode { writer in
      writer.signed(room.id)
      writer.string(room.name)
      writer.string(room.topic)
      writer.byte(room.kind.rawValue)
      writer.signed(Int64(room.lane))
      writer.string(room.routing)
      writer.signed(room.createdAt)
    }
  }

  static func room(_ bytes: [UInt8]) -> Room? {
    decode(bytes) { reader throws(ByteReader.Malformed) in
      let (id, name, topic) = (try reader.signed(), try reader.optionalString(), try reader.optionalString())
      guard let kind = Room.Kind(rawValue: try reader.byte()), let lane = Int(exactly: try reader.signed()) else {
        throw ByteReader.Malformed()
      }
      return Room(
        id: id, name: name, topic: topic, kind: kind, lane: lane, routing: try reader.string(),
        createdAt: try reader.signed())
    }
  }

  static func encode(_ user: User) -> [UInt8] {
    encode { writer in
      writer.signed(user.id)
      writer.string(user.name)
      writer.string(user.displayName)
      writer.signed(user.createdAt)
    }
  }

  static func user(_ bytes: [UInt8]) -> User? {
    decode(bytes) { reader throws(ByteReader.Malformed) in
      User(
        id: try reader.signed(), name: try reader.string(), displayName: try reader.optionalString(),
        createdAt: try reader.signed())
    }
  }

  static func encode(_ membership: Membership) -> [UInt8] {
    encode { writer in
      writer.signed(membership.room)
      writer.signed(membership.user)
      writer.byte(membership.role.rawValue)
      writer.signed(membership.readSeq)
    }
  }

  static func membership(_ bytes: [UInt8]) -> Membership? {
    decode(bytes) { reader throws(ByteReader.Malformed) in
      let (room, user) = (try reader.signed(), try reader.signed())
      guard let role = Membership.Role(rawValue: try reader.byte()) else { throw ByteReader.Malformed() }
      return Membership(room: room, user: user, role: role, readSeq: try reader.signed())
    }
  }

  private static func encode(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
    var writer = ByteWriter(capacity: 128)
    writer.byte(version)
    body(&writer)
    return writer.bytes
  }

  private static func decode<Value>(
    _ bytes: [UInt8], _ body: (inout ByteReader) throws(ByteReader.Malformed) -> Value
  ) -> Value? {
    var reader = ByteReader(bytes)
    guard (try? reader.byte()) == version, let value = try? body(&reader), reader.isAtEnd else { return nil }
    return value
  }
}

extension ByteWriter {
  fileprivate mutating func string(_ text: String?) {
    byte(text == nil ? 0 : 1)
    if let text { string(text) }
  }
}

extension ByteReader {
  fileprivate mutating func optionalString() throws(Malformed) -> String? {
    try byte() == 0 ? nil : try string()
  }
}
