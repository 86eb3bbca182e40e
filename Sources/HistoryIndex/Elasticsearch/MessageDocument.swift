import ChatRooms
import Drivers

/// A message as a document of the index: one for each message, with its whole present state.
///
/// `_id` is room and seq, the version the event that revised it last. Sending any of them any number of times in any
/// order ends in the same index.
enum MessageDocument {
  static func id(room: RoomID, seq: Int64) -> String { "\(room)|\(seq)" }

  /// Whether an event changes a document: removals and closures do not.
  static func concerns(_ event: RoomEvent) -> Bool {
    switch event.kind {
    case .message, .edit, .deletion: event.message.seq > 0
    case .removal, .closure, .imported: false
    }
  }

  /// How Elasticsearch compares the version of what it is sent with that of what it has.
  enum Versioning {
    /// Takes what is newer.
    case external
    /// Takes what is newer or of the same version: a document is put in the place of itself.
    case externalOrEqual
  }

  /// The first line of each document in a `_bulk` body.
  static func appendAction(
    room: RoomID, seq: Int64, routing: String, version: Int64, _ versioning: Versioning, to writer: inout JSONWriter
  ) {
    writer.literal(#"{"index":{"_id":""#)
    writer.digits(room)
    writer.literal("|")
    writer.digits(seq)
    writer.literal(#"","routing":""#)
    writer.escaped(routing)
    writer.literal(#"","version":"#)
    writer.digits(version)
    switch versioning {
    case .external: writer.literal(#","version_type":"external"}}"#)
    case .externalOrEqual: writer.literal(#","version_type":"external_gte"}}"#)
    }
    writer.newline()
  }

  /// Two lines of a `_bulk` body.
  ///
  /// - Parameter isTextIndexed: false for a text that the index refuses. It is kept, so that history has no hole, but
  ///   not found.
  static func appendBulkLines(
    of event: RoomEvent, isTextIndexed: Bool = true, versioning: Versioning = .external, to writer: inout JSONWriter
  ) {
    appendAction(
      room: event.room, seq: event.message.seq, routing: event.routing, version: event.event, versioning, to: &writer)
    appendMembers(of: event, isTextIndexed: isTextIndexed, to: &writer)
    writer.literal("}")
    writer.newline()
  }

  /// The members of a document, and the brace before them. The names of the first few are written in one piece with
  /// what stands around them: every message has them.
  private static func appendMembers(of event: RoomEvent, isTextIndexed: Bool, to writer: inout JSONWriter) {
    let message = event.message
    writer.literal(#"{"room":"#)
    writer.digits(message.room)
    writer.literal(#","seq":"#)
    writer.digits(message.seq)
    writer.literal(#","event":"#)
    writer.digits(message.event)
    writer.literal(#","revised":"#)
    writer.digits(event.event)
    writer.literal(#","nonce":"#)
    writer.digits(event.nonce)
    writer.literal(#","user":""#)
    writer.escaped(message.user)
    writer.literal(#"","user_id":"#)
    writer.digits(message.userID)
    writer.literal(#","timestamp":"#)
    writer.value(message.timestamp)
    if event.roomKind == .public { writer.member("public", true) }
    guard !message.isDeleted, event.kind != .deletion else { return writer.member("deleted", true) }
    writer.member("ref", ifPresent: message.ref)
    writer.member("data", ifPresent: message.data)
    writer.member("reply_to", ifPresent: message.replyTo)
    writer.member("edited_at", ifPresent: message.editedAt)
    guard isTextIndexed else { return writer.member("text_unindexed", message.text) }
    appendText(of: message, to: &writer)
  }

  private static func appendText(of message: Message, to writer: inout JSONWriter) {
    let traits = TextTraits(message.text)
    if let text = IndexedText.ifDifferent(message.text, traits: traits) {
      writer.member("text", text)
      writer.member("text_unindexed", message.text)
    } else {
      writer.member("text", message.text)
    }
    appendFeatures(of: message, traits, to: &writer)
    let extra = ExtraTerms(message.text, traits: traits)
    append("parts", extra.parts, to: &writer)
    append("signs", extra.signs, to: &writer)
  }

  private static func appendFeatures(of message: Message, _ traits: TextTraits, to writer: inout JSONWriter) {
    let features = MessageFeatures(message.text, traits: traits)
    append("links", features.links, to: &writer)
    append("mentions", features.mentions, to: &writer)
    var has: [String] = []
    if !features.links.isEmpty { has.append(SearchQuery.Feature.link.rawValue) }
    if features.hasCode { has.append(SearchQuery.Feature.code.rawValue) }
    if !features.mentions.isEmpty { has.append(SearchQuery.Feature.mention.rawValue) }
    if message.editedAt != nil { has.append(SearchQuery.Feature.edit.rawValue) }
    append("has", has, to: &writer)
  }

  private static func append(_ name: String, _ values: [String], to writer: inout JSONWriter) {
    guard !values.isEmpty else { return }
    writer.key(name)
    writer.array { for value in values { $0.value(value) } }
  }

  /// A message from a document's `_source`; `nil` if it is none of ours.
  static func message(_ source: JSONValue) -> Message? {
    guard let room = source["room"]?.integer, let seq = source["seq"]?.integer, seq > 0,
      let event = source["event"]?.integer, let revised = source["revised"]?.integer,
      let user = source["user"]?.string, let userID = source["user_id"]?.integer,
      let timestamp = source["timestamp"]?.integer
    else { return nil }
    let isDeleted = source["deleted"]?.boolean ?? false
    let text = source["text_unindexed"]?.string ?? source["text"]?.string
    guard isDeleted || text != nil else { return nil }
    return Message(
      room: room, seq: seq, event: event, revised: revised, user: user, userID: userID,
      text: isDeleted ? "" : text ?? "", timestamp: timestamp, ref: source["ref"]?.string,
      data: source["data"]?.string, replyTo: source["reply_to"]?.integer, editedAt: source["edited_at"]?.integer,
      isDeleted: isDeleted)
  }
}
