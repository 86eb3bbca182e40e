import ChatRooms
import Drivers

/// A message as a document of the index says it is.
struct IndexedState: Sendable {
  var event: Int64
  var revised: Int64
  /// `nil` where the document is none of ours.
  var message: Message?

  init(_ source: JSONValue) {
    event = source["event"]?.integer ?? 0
    revised = source["revised"]?.integer ?? 0
    message = MessageDocument.message(source)
  }
}

/// What a message must be, as far as the database still knows.
struct ExpectedState: Sendable {
  /// The event that made it; `nil` where that cannot be told any more.
  var event: Int64?
  /// The event that changed it last, or made it; `nil` as above.
  var revised: Int64?
  var isDeleted: Bool
  /// The whole state, while the journal holds it.
  var message: Message?

  init(_ seq: Int64, _ numbering: RoomNumbering, _ message: Message?) {
    let revision = numbering.revision(of: seq)
    event = numbering.event(of: seq) ?? message?.event
    revised = [revision?.event, event, message?.revised].compactMap(\.self).max()
    isDeleted = revision?.isDeletion == true || message?.isDeleted == true
    self.message = message
  }

  /// What is wrong with a document; `nil` if nothing is.
  func flaw(of state: IndexedState?) -> (kind: Finding.Kind, detail: String)? {
    guard let state else { return (.missing, "the index does not have them") }
    guard let stored = state.message else { return (.different, "the index has a document that is no message") }
    if let event, state.event != event {
      return (.different, "the index has another message under this number")
    }
    if let revised, state.revised < revised { return (.stale, "the index has an earlier state") }
    // Later than what was read: changed in the meantime, which the next look will tell.
    if let revised, state.revised > revised { return nil }
    if isDeleted != stored.isDeleted { return (.different, "deleted in one of database and index only") }
    if let message, message.revised == state.revised, message != stored {
      return (.different, "the index has another text or author than the journal")
    }
    return nil
  }
}
