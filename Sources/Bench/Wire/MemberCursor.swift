/// A member's name as its length and first eight bytes, which tell all names apart that are looked for.
struct MemberKey: Equatable {
  private let packed: UInt64
  private let length: Int

  init(_ name: StaticString) {
    (packed, length) = name.withUTF8Buffer { bytes in
      unsafe (bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }, bytes.count)
    }
  }

  init(in bytes: Span<UInt8>, _ range: Range<Int>) {
    var packed: UInt64 = 0
    for index in range.lowerBound..<min(range.upperBound, range.lowerBound + 8) {
      packed = packed << 8 | UInt64(bytes[index])
    }
    self.packed = packed
    length = range.count
  }
}

/// Goes through the members of an object.
struct MemberCursor {
  private var index: Int

  /// `nil` where no object begins.
  init?(in bytes: Span<UInt8>, at start: Int) {
    guard start < bytes.count, bytes[start] == UInt8(ascii: "{") else { return nil }
    index = start + 1
  }

  /// The next member's name and where its value begins; `nil` at the end, or where no member is.
  mutating func next(in bytes: Span<UInt8>) -> (key: MemberKey, value: Int)? {
    index = JSONScanner.skipSpace(in: bytes, from: index)
    if index < bytes.count, bytes[index] == UInt8(ascii: ",") {
      index = JSONScanner.skipSpace(in: bytes, from: index + 1)
    }
    guard let name = JSONScanner.string(in: bytes, at: index) else { return nil }
    let colon = JSONScanner.skipSpace(in: bytes, from: name.upperBound + 1)
    guard colon < bytes.count, bytes[colon] == UInt8(ascii: ":") else { return nil }
    let value = JSONScanner.skipSpace(in: bytes, from: colon + 1)
    index = JSONScanner.end(of: value, in: bytes)
    return (MemberKey(in: bytes, name), value)
  }
}

/// Goes through the items of an array.
struct ItemCursor {
  private var index: Int

  /// `nil` where no array begins.
  init?(in bytes: Span<UInt8>, at start: Int) {
    guard start < bytes.count, bytes[start] == UInt8(ascii: "[") else { return nil }
    index = start + 1
  }

  /// Where the next item begins; `nil` at the end.
  mutating func next(in bytes: Span<UInt8>) -> Int? {
    index = JSONScanner.skipSpace(in: bytes, from: index)
    if index < bytes.count, bytes[index] == UInt8(ascii: ",") {
      index = JSONScanner.skipSpace(in: bytes, from: index + 1)
    }
    guard index < bytes.count, bytes[index] != UInt8(ascii: "]") else { return nil }
    let item = index
    index = JSONScanner.end(of: item, in: bytes)
    return item
  }
}

/// What identifies a message in a reply.
struct MessageMembers {
  private(set) var room: Int64?
  private(set) var seq: Int64?

  init(in bytes: Span<UInt8>, at start: Int) {
    guard var members = MemberCursor(in: bytes, at: start) else { return }
    while room == nil || seq == nil, let member = members.next(in: bytes) {
      if member.key == Self.roomKey { room = JSONScanner.integer(in: bytes, at: member.value) }
      if member.key == Self.seqKey { seq = JSONScanner.integer(in: bytes, at: member.value) }
    }
  }

  private static let roomKey = MemberKey("room")
  private static let seqKey = MemberKey("seq")
}
