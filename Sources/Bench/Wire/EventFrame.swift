/// What a load test looks at in a frame of `palaver.v1` from the server.
struct EventFrame: Equatable {
  enum FrameType: Equatable {
    case ready, message, replayed, ack, error, bye
    /// Takes an event, and is no new message: `edited`, `deleted`, `removed`, `imported`.
    case change
    /// Takes none: `presence`, `typing`, and what later versions add.
    case other
  }

  var type = FrameType.other
  var room: Int64?
  var seq: Int64?
  var event: Int64?
  var lastSeq: Int64?
  var lastEvent: Int64?
  var through: Int64?
  /// Of a `ready`.
  var isComplete: Bool?
  /// The number that a text of this run begins with.
  var number: Int64?
  /// The number that a `ref` of this run ends with.
  var refNumber: Int64?
  /// Of an acknowledgement: milliseconds since 1970.
  var timestamp: Int64?
  var retryAfter: Int64?
  /// Where the word of an error is in the payload.
  var errorWord: Range<Int>?

  init() {}

  /// `nil` where the payload is no JSON object.
  init?(_ payload: Span<UInt8>) {
    guard var members = MemberCursor(in: payload, at: 0) else { return nil }
    while let member = members.next(in: payload) {
      take(member.key, payload, member.value)
      // What comes behind a message's text is of no interest, and deliveries are by far the most frequent frames.
      if type == .message, member.key == Self.text { return }
    }
  }

  private mutating func take(_ key: MemberKey, _ payload: Span<UInt8>, _ value: Int) {
    switch key {
    case Self.typeKey: type = Self.frameType(payload, value)
    case Self.roomKey: room = JSONScanner.integer(in: payload, at: value)
    case Self.seqKey: seq = JSONScanner.integer(in: payload, at: value)
    case Self.eventKey: event = JSONScanner.integer(in: payload, at: value)
    case Self.text:
      var start = value + 1
      number = JSONScanner.digits(in: payload, at: &start)
    case Self.refKey: refNumber = Self.refNumber(payload, value)
    case Self.lastSeqKey: lastSeq = JSONScanner.integer(in: payload, at: value)
    case Self.lastEventKey: lastEvent = JSONScanner.integer(in: payload, at: value)
    case Self.throughKey: through = JSONScanner.integer(in: payload, at: value)
    case Self.completeKey: isComplete = JSONScanner.isTrue(in: payload, at: value)
    case Self.timestampKey: timestamp = JSONScanner.integer(in: payload, at: value)
    case Self.retryKey: retryAfter = JSONScanner.integer(in: payload, at: value)
    case Self.errorKey: errorWord = JSONScanner.string(in: payload, at: value)
    default: break
    }
  }

  /// Refs are `RUN-NUMBER`.
  private static func refNumber(_ payload: Span<UInt8>, _ value: Int) -> Int64? {
    guard let ref = JSONScanner.string(in: payload, at: value) else { return nil }
    var index = ref.lowerBound
    while index < ref.upperBound, payload[index] != UInt8(ascii: "-") { index += 1 }
    index += 1
    return JSONScanner.digits(in: payload, at: &index)
  }

  private static func frameType(_ payload: Span<UInt8>, _ value: Int) -> FrameType {
    guard let name = JSONScanner.string(in: payload, at: value) else { return .other }
    switch MemberKey(in: payload, name) {
    case message: return .message
    case ack: return .ack
    case ready: return .ready
    case replayed: return .replayed
    case errorKey: return .error
    case bye: return .bye
    case edited, deleted, removed, imported: return .change
    default: return .other
    }
  }

  private static let typeKey = MemberKey("type")
  private static let roomKey = MemberKey("room")
  private static let seqKey = MemberKey("seq")
  private static let eventKey = MemberKey("event")
  private static let text = MemberKey("text")
  private static let refKey = MemberKey("ref")
  private static let lastSeqKey = MemberKey("last_seq")
  private static let lastEventKey = MemberKey("last_event")
  private static let throughKey = MemberKey("through")
  private static let completeKey = MemberKey("complete")
  private static let timestampKey = MemberKey("timestamp")
  private static let retryKey = MemberKey("retry_after_ms")
  private static let errorKey = MemberKey("error")

  private static let message = MemberKey("message")
  private static let ack = MemberKey("ack")
  private static let ready = MemberKey("ready")
  private static let replayed = MemberKey("replayed")
  private static let bye = MemberKey("bye")
  private static let edited = MemberKey("edited")
  private static let deleted = MemberKey("deleted")
  private static let removed = MemberKey("removed")
  private static let imported = MemberKey("imported")
}
