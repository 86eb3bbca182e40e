import Drivers

/// From a message's JSON object, as it is kept, to the message and its frames.
extension MessageWire {
  private enum Member {
    static let room = JSONReader.Name("room")
    static let seq = JSONReader.Name("seq")
    static let event = JSONReader.Name("event")
    static let revised = JSONReader.Name("revised")
    static let user = JSONReader.Name("user")
    static let userID = JSONReader.Name("user_id")
    static let text = JSONReader.Name("text")
    static let timestamp = JSONReader.Name("timestamp")
    static let ref = JSONReader.Name("ref")
    static let data = JSONReader.Name("data")
    static let replyTo = JSONReader.Name("reply_to")
    static let editedAt = JSONReader.Name("edited_at")
  }

  /// What `object` made an object of; `isDeleted` stands in no object.
  ///
  /// - Throws: `JSONError` for anything that `object` does not write.
  public static func message(_ object: [UInt8], isDeleted: Bool = false) throws -> Message {
    var message = Message(
      room: 0, seq: 0, event: 0, revised: 0, user: "", userID: 0, text: "", timestamp: 0, isDeleted: isDeleted)
    var reader = JSONReader(object)
    try reader.object { name, reader in
      switch name {
      case Member.room: message.room = try reader.integer()
      case Member.seq: message.seq = try reader.integer()
      case Member.event: message.event = try reader.integer()
      case Member.revised: message.revised = try reader.integer()
      case Member.user: message.user = try reader.string()
      case Member.userID: message.userID = try reader.integer()
      case Member.text: message.text = try reader.string()
      case Member.timestamp: message.timestamp = try reader.integer()
      case Member.ref: message.ref = try reader.string()
      case Member.data: message.data = try reader.raw()
      case Member.replyTo: message.replyTo = try reader.integer()
      case Member.editedAt: message.editedAt = try reader.integer()
      default: try reader.skip()
      }
    }
    return message
  }

  /// Appends what `messageFrame` makes of the message.
  public static func appendMessageFrame(of object: ArraySlice<UInt8>, to run: inout WebSocketFrame.Run) {
    run.append(#"{"type":"message","#, object.dropFirst())
  }

  /// The most bytes that a frame of an object adds to it: a header, and the type.
  public static let frameOverhead = 28

  /// Appends what `rawFrame` makes of the message.
  public static func appendRawFrame(of object: ArraySlice<UInt8>, to run: inout WebSocketFrame.Run) {
    if let message = try? message(Array(object)) { run.append(rawFrame(message)) }
  }
}
