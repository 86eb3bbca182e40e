import ChatRooms
import Drivers

/// One line of an import: a message as it was said elsewhere.
public struct ImportLine: Sendable, Equatable {
  public var room: String
  public var user: String
  public var timestamp: Milliseconds
  public var text: String
  /// A JSON object, compact.
  public var data: String?
  public var ref: String?
  public var replyTo: Int64?
  /// Of a line of an export, which has no name of a room: what else it says.
  public var exported: ExportedState?

  public init(
    room: String, user: String, timestamp: Milliseconds, text: String, data: String? = nil, ref: String? = nil,
    replyTo: Int64? = nil
  ) {
    self.room = room
    self.user = user
    self.timestamp = timestamp
    self.text = text
    self.data = data
    self.ref = ref
    self.replyTo = replyTo
  }
}

/// Why a line was left out.
public struct BadLine: Error, Sendable, Equatable {
  public var reason: String

  public init(_ reason: String) { self.reason = reason }
}

extension ImportLine {
  /// From the year 1 to the year 9999: what Elasticsearch and every client can show.
  static let timestamps: ClosedRange<Milliseconds> = -62_135_596_800_000...253_402_300_799_999

  /// Reads a JSON object with `room`, `user`, `timestamp`, `text` and, where they are, `data`, `ref` and `reply_to`.
  /// Other members are left out of account.
  init(parsing line: ArraySlice<UInt8>) throws(BadLine) {
    if let plain = PlainLine(line) {
      try self.init(plain)
      return
    }
    let value: JSONValue
    do { value = try JSONValue(parsing: Array(line)) } catch { throw BadLine("not JSON: \(error)") }
    try self.init(value)
  }

  private init(_ plain: PlainLine) throws(BadLine) {
    self.init(room: plain.room, user: plain.user, timestamp: plain.timestamp, text: plain.text)
    try check()
  }

  private init(_ value: JSONValue) throws(BadLine) {
    guard value.object != nil else { throw BadLine("not a JSON object") }
    guard let timestamp = value["timestamp"]?.integer else {
      throw BadLine("timestamp is missing or no whole number of milliseconds")
    }
    self.init(
      room: try Self.string("room", value), user: try Self.string("user", value), timestamp: timestamp,
      text: try Self.string("text", value))
    data = try Self.data(value["data"])
    ref = try Self.ref(value["ref"])
    if let reply = value["reply_to"], !reply.isNull {
      guard let seq = reply.integer, seq > 0 else { throw BadLine("reply_to is no message's seq") }
      replyTo = seq
    }
    try check()
  }

  private static func string(_ name: String, _ value: JSONValue) throws(BadLine) -> String {
    guard let string = value[name]?.string else { throw BadLine("\(name) is missing or no string") }
    return string
  }

  static func data(_ value: JSONValue?) throws(BadLine) -> String? {
    guard let value, !value.isNull else { return nil }
    guard value.object != nil else { throw BadLine("data is no object") }
    let compact = value.compact
    guard compact.utf8.count <= MessageLimits.dataBytes else { throw BadLine("data is longer than 4 KiB") }
    return compact
  }

  static func ref(_ value: JSONValue?) throws(BadLine) -> String? {
    guard let value, !value.isNull else { return nil }
    guard let ref = value.string, MessageLimits.refCharacters.contains(ref.utf8.count),
      ref.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
    else { throw BadLine("ref is not 1 to 64 printable ASCII characters") }
    return ref
  }

  func check() throws(BadLine) {
    guard MessageLimits.textBytes.contains(text.utf8.count) else {
      throw BadLine(text.isEmpty ? "text is empty" : "text is longer than 16,384 bytes")
    }
    guard Self.timestamps.contains(timestamp) else { throw BadLine("timestamp is out of range") }
    // An export's messages are numbered without a gap, and so are all taken.
    guard exported != nil || MessageKeys.times.contains(timestamp) else {
      throw BadLine("timestamp is out of range: before 1692 or after 2247")
    }
  }
}
