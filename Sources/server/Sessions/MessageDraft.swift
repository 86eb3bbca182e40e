import ChatRooms
import Drivers

/// The content of a new message as a client gave it, within the bounds of `MessageLimits`.
struct MessageDraft: Sendable, Equatable {
  var text: String
  var data: String?
  var replyTo: Int64?
  var ref: String?

  /// - Throws: `ChatError` 400 with the member at fault.
  init(_ object: JSONObject) throws(ChatError) {
    text = try Self.text(object["text"])
    data = try Self.data(object["data"])
    replyTo = try Self.seq(object["reply_to"], "reply_to")
    ref = try Self.ref(object["ref"])
  }

  /// - Throws: `text_missing`, `text_too_long`.
  static func text(_ value: JSONValue?) throws(ChatError) -> String {
    guard let text = value?.string, !text.isEmpty else {
      throw ChatError(400, "text_missing", "A message needs a text, a string of at least one byte.", parameter: "text")
    }
    guard text.utf8.count <= MessageLimits.textBytes.upperBound else {
      let limit = MessageLimits.textBytes.upperBound
      throw ChatError(400, "text_too_long", "A text may have \(limit) bytes of UTF-8.", parameter: "text")
    }
    return text
  }

  static func data(_ value: JSONValue?) throws(ChatError) -> String? {
    guard let value, !value.isNull else { return nil }
    guard value.object != nil else { throw ChatError.invalid("data", "data must be a JSON object.") }
    let compact = value.compact
    guard compact.utf8.count <= MessageLimits.dataBytes else {
      throw ChatError(400, "data_too_long", "data may have \(MessageLimits.dataBytes) bytes.", parameter: "data")
    }
    return compact
  }

  static func ref(_ value: JSONValue?) throws(ChatError) -> String? {
    guard let value, !value.isNull else { return nil }
    guard let ref = value.string, MessageLimits.refCharacters.contains(ref.utf8.count),
      ref.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
    else { throw ChatError.invalid("ref", "A ref has 1 to 64 printable ASCII characters.") }
    return ref
  }

  /// A message's number, where there is one.
  static func seq(_ value: JSONValue?, _ name: String) throws(ChatError) -> Int64? {
    guard let value, !value.isNull else { return nil }
    guard let seq = value.integer, seq >= 1 else {
      throw ChatError.invalid(name, "\(name) is the number of a message: 1, 2, 3 …")
    }
    return seq
  }
}
