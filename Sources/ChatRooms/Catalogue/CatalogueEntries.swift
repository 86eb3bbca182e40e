/// A user with everything that an export keeps, a deleted one too: the name stays taken.
public struct CatalogueUser: Sendable, Equatable {
  public var user: User
  /// `nil` for one that was not deleted.
  public var deletedAt: Milliseconds?

  public init(user: User, deletedAt: Milliseconds? = nil) {
    self.user = user
    self.deletedAt = deletedAt
  }
}

/// A room with everything that an export keeps.
public struct CatalogueRoom: Sendable, Equatable {
  /// Read from an export, it has neither lane nor routing: those are for the installation that it comes into.
  public var room: Room
  /// The name of the user who made it; `nil` for nobody.
  public var createdBy: String?
  /// The creator's own word for it.
  public var ref: String?
  /// Messages up to this one belong to the export, deleted ones counted.
  public var lastSeq: Int64
  /// An import holds it at the moment, and has brought what there is up to `lastSeq`.
  public var isImporting: Bool

  public init(room: Room, createdBy: String?, ref: String?, lastSeq: Int64, isImporting: Bool = false) {
    self.room = room
    self.createdBy = createdBy
    self.ref = ref
    self.lastSeq = lastSeq
    self.isImporting = isImporting
  }
}

/// A membership with everything that an export keeps.
public struct CatalogueMember: Sendable, Equatable {
  public var room: RoomID
  /// The name.
  public var user: String
  public var role: Membership.Role
  public var readSeq: Int64
  public var joinedAt: Milliseconds

  public init(room: RoomID, user: String, role: Membership.Role, readSeq: Int64, joinedAt: Milliseconds) {
    self.room = room
    self.user = user
    self.role = role
    self.readSeq = readSeq
    self.joinedAt = joinedAt
  }
}
