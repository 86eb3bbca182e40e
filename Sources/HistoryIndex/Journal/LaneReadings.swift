import ChatRooms

/// A sender's own word for a message, where it must be unique. Compared bytewise.
public struct RefKey: Hashable, Sendable {
  public var room: RoomID
  public var user: UserID
  public var ref: String

  public init(room: RoomID, user: UserID, ref: String) {
    self.room = room
    self.user = user
    self.ref = ref
  }

  /// String compares canonically equivalent texts as equal, the database does not.
  public static func == (left: RefKey, right: RefKey) -> Bool {
    left.room == right.room && left.user == right.user && left.ref.utf8.elementsEqual(right.ref.utf8)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(room)
    hasher.combine(user)
    var ref = ref
    ref.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

public struct MessageKey: Hashable, Sendable {
  public var room: RoomID
  public var seq: Int64

  public init(room: RoomID, seq: Int64) {
    self.room = room
    self.seq = seq
  }
}

public struct MemberKey: Hashable, Sendable {
  public var room: RoomID
  public var user: UserID

  public init(room: RoomID, user: UserID) {
    self.room = room
    self.user = user
  }
}

/// A room's counters, and whether anything may be added to it.
public struct RoomCounters: Sendable, Equatable {
  public var lastEvent: Int64
  public var lastSeq: Int64
  public var lastMessageAt: Milliseconds?
  public var isClosed: Bool
  public var isImporting: Bool

  public init(
    lastEvent: Int64, lastSeq: Int64, lastMessageAt: Milliseconds? = nil, isClosed: Bool = false,
    isImporting: Bool = false
  ) {
    self.lastEvent = lastEvent
    self.lastSeq = lastSeq
    self.lastMessageAt = lastMessageAt
    self.isClosed = isClosed
    self.isImporting = isImporting
  }
}

/// What was read of a batch's rooms while the lanes were locked.
public struct LaneReadings: Sendable {
  /// The newest position of each lane that is locked; what belongs to any other lane is busy.
  public var heads: [Int: Int64] = [:]
  public var rooms: [RoomID: RoomCounters] = [:]
  /// The events that stored the batch's refs earlier. The message may be in its state then, or its present one.
  public var sent: [RefKey: RoomEvent] = [:]
  /// Of those of them whose message is in a later state, the digest of the text that it had first; missing where that is
  /// not known.
  public var firstTexts: [RefKey: Int64] = [:]
  /// The changes that stored the batch's refs earlier.
  public var changed: [RefKey: ChangeRef] = [:]
  /// The newest change of each message that the batch edits or deletes.
  public var changes: [MessageKey: RoomChange] = [:]
  /// What becomes of the messages of deleted users, of those who write in the batch or wrote what it changes.
  public var erased: [UserID: MessageFate] = [:]
  /// Memberships that the batch ends and that exist.
  public var members: Set<MemberKey> = []
  private(set) var deletions: [MessageKey: RoomEvent] = [:]
  private(set) var committed: [Int64: RoomEvent] = [:]

  public init() {}

  /// Adds an event of the log that is about a message, member or room of the batch: an earlier attempt at this very
  /// batch may have committed it (the nonce tells), or it is the deletion that another one repeats.
  public mutating func add(past event: RoomEvent) {
    committed[event.nonce] = event
    if event.kind == .deletion {
      deletions[MessageKey(room: event.room, seq: event.message.seq)] = event
    }
  }
}
