/// The bytes of a message, among servers of one installation.
public enum MessageCodec {
  /// What is there of the optional parts.
  private struct Parts: OptionSet {
    let rawValue: UInt8
    static let ref = Parts(rawValue: 1)
    static let data = Parts(rawValue: 2)
    static let replyTo = Parts(rawValue: 4)
    static let editedAt = Parts(rawValue: 8)
    static let deleted = Parts(rawValue: 16)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ message: Message) {
      self = []
      if message.ref != nil { insert(.ref) }
      if message.data != nil { insert(.data) }
      if message.replyTo != nil { insert(.replyTo) }
      if message.editedAt != nil { insert(.editedAt) }
      if message.isDeleted { insert(.deleted) }
    }
  }

  /// Bytes, about.
  public static func estimatedSize(of message: Message) -> Int {
    32 + message.text.utf8.count + message.user.utf8.count + (message.data?.utf8.count ?? 0)
  }

  public static func encode(_ message: Message, _ writer: inout ByteWriter) {
    writer.byte(Parts(message).rawValue)
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

  public static func decode(_ reader: inout ByteReader) throws(ByteReader.Malformed) -> Message {
    let parts = Parts(rawValue: try reader.byte())
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
