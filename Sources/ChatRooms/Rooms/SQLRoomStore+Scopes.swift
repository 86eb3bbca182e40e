import Drivers

/// Whose scope is read.
struct ScopeKey: Hashable {
  /// Users that one query asks for.
  static let mostAtOnce = 64

  var user: UserID?
  var isAdmin: Bool
}

extension SQLRoomStore {
  /// Searches that come together share the question: it is asked after each of them came.
  public func readScope(of user: UserID?, isAdmin: Bool) async throws -> ReadScope {
    try await scopes.value(for: ScopeKey(user: user, isAdmin: isAdmin))
  }

  /// One question, so that both parts are of one moment: a room is among the own or among the closed ones.
  static func readScopes(_ keys: [ScopeKey], _ connection: any SQLConnection) throws -> [ScopeKey: ReadScope] {
    // Filled up to a power of two, so that there are few different statements to prepare. Nobody is user 0.
    let users = Set(keys.compactMap { $0.user })
    let count = (0...).lazy.map { 1 << $0 }.first { $0 >= users.count } ?? users.count
    let list = users.map(SQLValue.integer) + Array(repeating: .integer(0), count: count - users.count)
    // An admin reads private rooms without being a member: there, deleted ones of any kind must be named.
    let sql = """
      SELECT m.room_id, m.user_id, 0 FROM members m JOIN rooms r ON r.id = m.room_id
      WHERE m.user_id IN (\(SQLDialect.placeholders(count))) AND r.kind <> 1 AND r.deleted_at IS NULL
      UNION ALL SELECT id, 0, kind FROM rooms WHERE deleted_at > 0 AND (kind = 1 OR ? = 1)
      """
    let isAnyAdmin = keys.contains { $0.isAdmin }
    let rows = try connection.query(sql, list + [.integer(isAnyAdmin ? 1 : 0)])
    var own: [UserID: [RoomID]] = [:]
    var closed: [RoomID] = []
    var closedPublic: [RoomID] = []
    for row in rows {
      guard let id = row.integer(0), let user = row.integer(1) else { throw UnreadableRow(table: "members") }
      if user > 0 {
        own[user, default: []].append(id)
      } else {
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
