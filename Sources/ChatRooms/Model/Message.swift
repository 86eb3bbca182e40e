/// Numbers of rooms and users: positive, rising, never used again.
public typealias RoomID = Int64
public typealias UserID = Int64

/// Milliseconds since 1970-01-01 00:00 UTC.
public typealias Milliseconds = Int64

/// A message in its present state.
public struct Message: Sendable, Equatable {
  public var room: RoomID
  /// Its number among the room's messages: 1, 2, 3 …
  public var seq: Int64
  /// The event that created it.
  public var event: Int64
  /// The event that last changed it; `event` if nothing did.
  public var revised: Int64
  /// The author's name. Names are permanent.
  public var user: String
  public var userID: UserID
  /// Empty if deleted.
  public var text: String
  /// When it was accepted.
  public var timestamp: Milliseconds
  /// The author's own word for it, 1 to 64 printable ASCII characters.
  public var ref: String?
  /// The client's JSON object, compact.
  public var data: String?
  /// The `seq` of the message that it answers.
  public var replyTo: Int64?
  public var editedAt: Milliseconds?
  /// A deleted message keeps its number, so that positions stay dense, and nothing of its content.
  public var isDeleted: Bool

  public init(
    room: RoomID, seq: Int64, event: Int64, revised: Int64, user: String, userID: UserID, text: String,
    timestamp: Milliseconds, ref: String? = nil, data: String? = nil, replyTo: Int64? = nil,
    editedAt: Milliseconds? = nil, isDeleted: Bool = false
  ) {
    self.room = room
    self.seq = seq
    self.event = event
    self.revised = revised
    self.user = user
    self.userID = userID
    self.text = text
    self.timestamp = timestamp
    self.ref = ref
    self.data = data
    self.replyTo = replyTo
    self.editedAt = editedAt
    self.isDeleted = isDeleted
  }

  /// `1-98`: room and seq.
  public var id: String { "\(room)-\(seq)" }
}

/// The bounds of what a message may hold.
public enum MessageLimits {
  /// UTF-8 bytes of a text.
  public static let textBytes = 1...16_384
  /// UTF-8 bytes of the compact form of `data`.
  public static let dataBytes = 4_096
  /// Characters of a ref.
  public static let refCharacters = 1...64
}
