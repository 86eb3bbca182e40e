/// Something that happened in a room, as the journal holds it and servers tell each other.
public struct RoomEvent: Sendable, Equatable {
  /// The raw values are stored in the journal.
  public enum Kind: UInt8, Sendable {
    /// A message was sent.
    case message = 1
    /// A message's text was changed.
    case edit = 2
    /// A message was deleted.
    case deletion = 3
    /// A member was removed, or left: `message.user` says who, and `message.seq` is 0.
    case removal = 4
    /// The room was deleted: its last event. `message.seq` is 0.
    case closure = 5
    /// Messages were imported before this event. Whoever follows the room has missed them and reads it anew.
    /// `message.seq` is 0.
    case imported = 6
  }

  public var kind: Kind
  /// Its number among the room's events: 1, 2, 3 …
  public var event: Int64
  /// The room's newest `seq` after this event.
  public var lastSeq: Int64
  /// The message that it is about, in the state after this event.
  public var message: Message
  /// When it was accepted.
  public var timestamp: Milliseconds
  /// The lane of the journal that orders it, and its place there: 1, 2, 3 …
  public var lane: Int
  public var position: Int64
  /// Elasticsearch's routing of the room's documents, stamped under the lane's lock.
  public var routing: String
  /// The room's kind, which never changes: documents carry it, so that search can tell what is public.
  public var roomKind: Room.Kind
  /// Tells this event from another that took its number after a rewind. Random.
  public var nonce: Int64

  public init(
    kind: Kind, event: Int64, lastSeq: Int64, message: Message, timestamp: Milliseconds, lane: Int, position: Int64,
    routing: String, roomKind: Room.Kind, nonce: Int64
  ) {
    self.kind = kind
    self.event = event
    self.lastSeq = lastSeq
    self.message = message
    self.timestamp = timestamp
    self.lane = lane
    self.position = position
    self.routing = routing
    self.roomKind = roomKind
    self.nonce = nonce
  }

  public var room: RoomID { message.room }
}

/// A change after the fact: an edit, a deletion, a removal, a closure, an import. Everything in a room that is no new message.
///
/// Events and messages are both dense, so the `seq` that was the newest at any event follows from the next change after
/// it: between two changes every event is a message. See `RoomChanges`.
public struct RoomChange: Sendable, Equatable {
  public var event: Int64
  /// The message that changed; 0 for what is about no message.
  public var seq: Int64
  public var kind: RoomEvent.Kind
  /// The room's newest `seq` at this event.
  public var lastSeq: Int64

  public init(event: Int64, seq: Int64, kind: RoomEvent.Kind, lastSeq: Int64) {
    self.event = event
    self.seq = seq
    self.kind = kind
    self.lastSeq = lastSeq
  }
}
