import Drivers

/// Whose scope is read.
public struct ScopeKey: Hashable, Sendable {
  /// Users that one query asks for.
  public static let mostAtOnce = 64

  public var user: UserID?
  public var isAdmin: Bool

  public init(user: UserID?, isAdmin: Bool) {
    self.user = user
    self.isAdmin = isAdmin
  }
}

/// The question what some callers may read. One statement, so that both parts are of one moment: a room is among the own
/// or among the closed ones.
public struct ScopeQuestion {
  /// Its rows have three columns, the second of which is not negative; another SELECT may be added to it.
  public let sql: String
  public let parameters: [SQLValue]
  private let keys: [ScopeKey]

  public init(_ keys: [ScopeKey]) {
    self.keys = keys
    let users = Set(keys.compactMap { $0.user })
    // Nobody is user 0.
    let list = (users.isEmpty ? [0] : Array(users)).filledToPowerOfTwo().map(SQLValue.integer)
    // An admin reads private rooms without being a member: there, deleted ones of any kind must be named.
    sql = """
      SELECT m.room_id, m.user_id, 0 FROM members m JOIN rooms r ON r.id = m.room_id
      WHERE m.user_id IN (\(SQLDialect.placeholders(list.count))) AND r.kind <> 1 AND r.deleted_at IS NULL
      UNION ALL SELECT id, 0, kind FROM rooms WHERE deleted_at > 0 AND (kind = 1 OR ? = 1)
      """
    parameters = list + [.integer(keys.contains { $0.isAdmin } ? 1 : 0)]
  }

  /// - Throws: for a row that cannot be read.
  public func scopes(of rows: [SQLRow]) throws -> [ScopeKey: ReadScope] {
    var own: [UserID: [RoomID]] = [:]
    var closed: [RoomID] = []
    var closedPublic: [RoomID] = []
    for row in rows {
      guard let id = row.integer(0), let user = row.integer(1) else { throw UnreadableRow(table: "members") }
      if user > 0 {
        own[user, default: []].append(id)
      } else if user == 0 {
        closed.append(id)
        if row.integer(2) == Int64(Room.Kind.public.rawValue) { closedPublic.append(id) }
      }
    }
    closed.sort()
    closedPublic.sort()
    return keys.reduce(into: [:]) { scopes, key in
      scopes[key] = ReadScope(
        isUnlimited: key.isAdmin, rooms: key.user.flatMap { own[$0] }?.sorted() ?? [],
        closedRooms: key.isAdmin ? closed : closedPublic)
    }
  }
}
