import ChatRooms
import Drivers

extension MessageDocument {
  /// A message from a document's `_source`, read from its bytes; `nil` if it is none of ours.
  static func message(_ reader: inout JSONReader) throws -> Message? {
    var fields = Fields()
    try reader.object { name, reader in try fields.take(name, &reader) }
    return fields.message
  }

  private struct Fields {
    /// What has not come is out of range.
    private var read = Message(
      room: .min, seq: 0, event: .min, revised: .min, user: "", userID: .min, text: "", timestamp: .min)
    private var hasUser = false
    private var text: String?
    private var unindexedText: String?

    mutating func take(_ name: JSONReader.Name, _ reader: inout JSONReader) throws {
      if try reader.skipNull() { return }
      switch name {
      case .room: read.room = try reader.integer()
      case .seq: read.seq = try reader.integer()
      case .event: read.event = try reader.integer()
      case .revised: read.revised = try reader.integer()
      case .user:
        read.user = try reader.string()
        hasUser = true
      case .userID: read.userID = try reader.integer()
      case .timestamp: read.timestamp = try reader.integer()
      case .text: text = try reader.string()
      case .textUnindexed: unindexedText = try reader.string()
      default: try takeRare(name, &reader)
      }
    }

    private mutating func takeRare(_ name: JSONReader.Name, _ reader: inout JSONReader) throws {
      switch name {
      case .ref: read.ref = try reader.string()
      case .data: read.data = try reader.string()
      case .replyTo: read.replyTo = try reader.integer()
      case .editedAt: read.editedAt = try reader.integer()
      case .deleted: read.isDeleted = try reader.boolean()
      default: try reader.skip()
      }
    }

    var message: Message? {
      let isWhole =
        hasUser && read.seq > 0
        && ![read.room, read.event, read.revised, read.userID, read.timestamp].contains(.min)
      guard isWhole, let text = read.isDeleted ? "" : unindexedText ?? text else { return nil }
      var message = read
      message.text = text
      return message
    }
  }
}

extension JSONReader.Name {
  fileprivate static let room = Self("room")
  fileprivate static let seq = Self("seq")
  fileprivate static let event = Self("event")
  fileprivate static let revised = Self("revised")
  fileprivate static let user = Self("user")
  fileprivate static let userID = Self("user_id")
  fileprivate static let timestamp = Self("timestamp")
  fileprivate static let text = Self("text")
  fileprivate static let textUnindexed = Self("text_unindexed")
  fileprivate static let ref = Self("ref")
  fileprivate static let data = Self("data")
  fileprivate static let replyTo = Self("reply_to")
  fileprivate static let editedAt = Self("edited_at")
  fileprivate static let deleted = Self("deleted")
}
