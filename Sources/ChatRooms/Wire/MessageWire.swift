import Drivers

/// How messages and events look to clients.
public enum MessageWire {
  /// A message's members, without the braces (`docs/api.md`).
  public static func members(of message: Message, in writer: inout JSONWriter) {
    writer.member("room", message.room)
    writer.member("seq", message.seq)
    writer.member("event", message.event)
    writer.member("revised", message.revised)
    writer.member("id", message.id)
    writer.member("user", message.user)
    writer.member("user_id", message.userID)
    writer.member("text", message.text)
    writer.member("timestamp", message.timestamp)
    writer.member("ref", ifPresent: message.ref)
    writer.member("kind", "text")
    if let data = message.data {
      writer.key("data")
      writer.raw(data)
    }
    writer.member("reply_to", ifPresent: message.replyTo)
    writer.member("edited_at", ifPresent: message.editedAt)
  }

  /// A message as a JSON object of its own.
  public static func object(_ message: Message) -> [UInt8] {
    var writer = JSONWriter(capacity: 240 + message.text.utf8.count)
    writer.object { members(of: message, in: &$0) }
    return writer.bytes
  }

  /// A message of the raw protocol.
  public static func rawFrame(_ message: Message) -> WebSocketFrame {
    var writer = JSONWriter(capacity: 160 + message.text.utf8.count)
    writeRaw(message, to: &writer)
    return WebSocketFrame(payload: writer.bytes)
  }

  /// What stands in a frame of the raw protocol.
  public static func writeRaw(_ message: Message, to writer: inout JSONWriter) {
    writer.object {
      $0.member("chatroom", message.room)
      $0.member("user", message.user)
      $0.member("message", message.text)
      $0.member("timestamp", message.timestamp)
      $0.member("id", message.id)
      $0.member("seq", message.seq)
      $0.member("event", message.event)
    }
  }

  /// `message` of `palaver.v1`: a message in its present state, at the event that created it.
  public static func messageFrame(_ message: Message) -> WebSocketFrame {
    frame("message", capacity: 240 + message.text.utf8.count) { members(of: message, in: &$0) }
  }

  /// `edited`: as `message`, but `event` is the change.
  public static func editedFrame(_ message: Message) -> WebSocketFrame {
    var changed = message
    changed.event = message.revised
    return frame("edited", capacity: 240 + message.text.utf8.count) { members(of: changed, in: &$0) }
  }

  public static func deletedFrame(room: RoomID, event: Int64, seq: Int64) -> WebSocketFrame {
    frame("deleted", capacity: 64) {
      $0.member("room", room)
      $0.member("event", event)
      $0.member("seq", seq)
    }
  }

  /// `removed`: a member was removed or left. It takes an event, so that a client sees events dense.
  public static func removedFrame(room: RoomID, event: Int64, user: String) -> WebSocketFrame {
    frame("removed", capacity: 96) {
      $0.member("room", room)
      $0.member("event", event)
      $0.member("user", user)
    }
  }

  /// `imported`: messages were imported before this event. Sent only where none were missed by it.
  public static func importedFrame(room: RoomID, event: Int64) -> WebSocketFrame {
    frame("imported", capacity: 64) {
      $0.member("room", room)
      $0.member("event", event)
    }
  }

  public static func frame(
    _ type: String, capacity: Int = 128, _ body: (inout JSONWriter) -> Void
  ) -> WebSocketFrame {
    var writer = JSONWriter(capacity: capacity)
    writer.object {
      $0.member("type", type)
      body(&$0)
    }
    return WebSocketFrame(payload: writer.bytes)
  }
}
