import Testing

@testable import ChatRooms

/// Events with every combination of what may be missing.
func sampleEvents(_ count: Int, text: String = "Hello, 世界! 👋") -> [RoomEvent] {
  (0..<count).map { number in
    let message = Message(
      room: 7, seq: Int64(number), event: 1, revised: Int64(number), user: "José", userID: .max, text: text,
      timestamp: 1_700_000_000_000, ref: number & 1 == 0 ? nil : "ref", data: number & 2 == 0 ? nil : #"{"a":1}"#,
      replyTo: number & 4 == 0 ? nil : -3, editedAt: number & 8 == 0 ? nil : 5, isDeleted: number & 16 != 0)
    return RoomEvent(
      kind: RoomEvent.Kind(rawValue: UInt8(number % 5) + 1) ?? .message, event: Int64(number), lastSeq: .min,
      message: message, timestamp: 0, lane: number % 16, position: Int64(number) << 40, routing: "7#1",
      roomKind: Room.Kind(rawValue: UInt8(number % 3) + 1) ?? .public, nonce: Int64(number) &* 0x5555_5555_5555_5555)
  }
}

@Suite struct BusCodecTests {
  private static let messages: [BusMessage] = [
    .events([]), .events(sampleEvents(64)), .presence(room: 1, user: "Ann", isPresent: true),
    .presence(room: .max, user: "", isPresent: false), .typing(room: 1, user: "猫"), .roomChanged(.min),
    .userChanged(name: "a\u{0}b"), .everythingChanged, .usersDeleted(upTo: 1 << 40),
  ]

  @Test(arguments: messages)
  func messagesArriveAsTheyWereSent(message: BusMessage) throws {
    let bytes = BusCodec.encode(message, sender: 0xFEDC_BA98_7654_3210)
    let decoded = try #require(BusCodec.decode(bytes))
    #expect(decoded.message == message)
    #expect(decoded.sender == 0xFEDC_BA98_7654_3210)
    #expect(BusCodec.sender(of: bytes) == decoded.sender)
  }

  @Test(arguments: messages)
  func aMessageCutShortOrTooLongIsRefused(message: BusMessage) {
    let bytes = BusCodec.encode(message, sender: 1)
    for count in 0..<bytes.count { #expect(BusCodec.decode(Array(bytes.prefix(count))) == nil) }
    #expect(BusCodec.decode(bytes + [0]) == nil)
  }

  @Test func garbageIsRefusedOrDecodedButNeverTraps() {
    let bytes = BusCodec.encode(.events(sampleEvents(3)), sender: 1)
    for index in bytes.indices {
      for value in [0, 1, 2, 0x7F, 0x80, 0xC3, 0xFF] as [UInt8] {
        var changed = bytes
        changed[index] = value
        _ = BusCodec.decode(changed)
      }
    }
    for _ in 0..<10_000 {
      _ = BusCodec.decode([0xB5, 1] + (0..<Int.random(in: 0...40)).map { _ in UInt8.random(in: .min ... .max) })
    }
    let hugeCount: [UInt8] = [0xB5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]
    #expect(BusCodec.decode(hugeCount) == nil)
  }

  @Test func integersOfAllSizesAreKept() throws {
    for integer in [0, 1, -1, 63, 64, -64, -65, .max, .min, 1 << 62] as [Int64] {
      var writer = ByteWriter(capacity: 10)
      writer.signed(integer)
      writer.unsigned(UInt64(bitPattern: integer))
      var reader = ByteReader(writer.bytes)
      #expect(try reader.signed() == integer)
      #expect(try reader.unsigned() == UInt64(bitPattern: integer))
    }
  }
}
