/// A room as it is stored.
public struct Room: Sendable, Equatable {
  public enum Kind: UInt8, Sendable {
    case `public` = 1
    case `private` = 2
    case direct = 3

    public init?(name: String) {
      switch name {
      case "public": self = .public
      case "private": self = .private
      case "direct": self = .direct
      default: return nil
      }
    }

    public var name: String {
      switch self {
      case .public: "public"
      case .private: "private"
      case .direct: "direct"
      }
    }
  }

  public var id: RoomID
  /// Unique among public rooms.
  public var name: String?
  public var topic: String?
  public var kind: Kind
  /// The lane of the journal that orders this room's events.
  public var lane: Int
  /// Elasticsearch's routing of the room's documents.
  public var routing: String
  public var createdAt: Milliseconds

  public init(
    id: RoomID, name: String?, topic: String?, kind: Kind, lane: Int, routing: String, createdAt: Milliseconds
  ) {
    self.id = id
    self.name = name
    self.topic = topic
    self.kind = kind
    self.lane = lane
    self.routing = routing
    self.createdAt = createdAt
  }
}

/// How far a room has come.
public struct RoomPosition: Sendable, Equatable {
  /// Changes when history had to be rewound: positions of another epoch mean nothing.
  public var epoch: String
  /// The newest event; 0 if there was none.
  public var lastEvent: Int64
  /// The newest message; 0 if there was none.
  public var lastSeq: Int64
  /// When the newest message was sent.
  public var lastMessageAt: Milliseconds?

  public init(epoch: String, lastEvent: Int64, lastSeq: Int64, lastMessageAt: Milliseconds? = nil) {
    self.epoch = epoch
    self.lastEvent = lastEvent
    self.lastSeq = lastSeq
    self.lastMessageAt = lastMessageAt
  }
}

public struct User: Sendable, Equatable {
  public var id: UserID
  /// 1 to 64 characters, NFC, compared bytewise, permanent.
  public var name: String
  public var displayName: String?
  public var createdAt: Milliseconds

  public init(id: UserID, name: String, displayName: String?, createdAt: Milliseconds) {
    self.id = id
    self.name = name
    self.displayName = displayName
    self.createdAt = createdAt
  }
}

/// A user's place in a room.
struct MembershipKey: Hashable, Sendable {
  var room: RoomID
  var user: UserID
}

public struct Membership: Sendable, Equatable {
  public enum Role: UInt8, Sendable, CaseIterable {
    case member = 1
    case owner = 2

    public var name: String { self == .owner ? "owner" : "member" }
  }

  public var room: RoomID
  public var user: UserID
  public var role: Role
  /// The newest message that the user has read; 0 for none.
  public var readSeq: Int64

  public init(room: RoomID, user: UserID, role: Role, readSeq: Int64) {
    self.room = room
    self.user = user
    self.role = role
    self.readSeq = readSeq
  }
}

/// Who calls.
public struct Caller: Sendable, Equatable {
  /// `nil` in open mode where the call named nobody.
  public var user: User?
  /// May do everything and act for others.
  public var isAdmin: Bool
  /// When the token ends; `nil` in open mode.
  public var expiresAt: Milliseconds?

  public init(user: User?, isAdmin: Bool, expiresAt: Milliseconds? = nil) {
    self.user = user
    self.isAdmin = isAdmin
    self.expiresAt = expiresAt
  }
}
