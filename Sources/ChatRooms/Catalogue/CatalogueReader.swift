import Drivers

/// Reads users, rooms and memberships page by page, rising by id, as a whole installation has them.
public struct CatalogueReader: Sendable {
  private let database: any SQLDatabase

  public init(database: any SQLDatabase) { self.database = database }

  /// Rooms that were not deleted, each with where it stands.
  public func rooms(after id: RoomID, limit: Int) async throws -> [CatalogueRoom] {
    try await database.query(
      Self.rooms + " AND r.id > ? ORDER BY r.id LIMIT ?", [.integer(id), .integer(Int64(limit))]
    ).map(Self.room)
  }

  public func room(_ id: RoomID) async throws -> CatalogueRoom? {
    try await database.query(Self.rooms + " AND r.id = ?", [.integer(id)]).first.map(Self.room)
  }

  private static let rooms = """
    SELECT \(SQLRoomStore.roomColumns), u.name, r.created_by, r.ref, p.last_seq, p.import_id
    FROM rooms r JOIN room_positions p ON p.room_id = r.id LEFT JOIN users u ON u.id = r.created_by
    WHERE r.deleted_at IS NULL
    """

  private static func room(_ row: SQLRow) throws -> CatalogueRoom {
    guard let lastSeq = row.integer(10) else { throw UnreadableRow(table: "room_positions") }
    let createdBy = row.text(7)
    // A ref is its creator's, and without that one nobody's any more.
    let isOfSomebodyUnknown = createdBy == nil && row.integer(8) ?? 0 != 0
    return CatalogueRoom(
      room: try SQLRoomStore.room(row), createdBy: createdBy, ref: isOfSomebodyUnknown ? nil : row.text(9),
      lastSeq: lastSeq, isImporting: row.integer(11) != nil)
  }

  /// Deleted ones too.
  public func users(after id: UserID, limit: Int) async throws -> [CatalogueUser] {
    try await database.query(
      "SELECT \(SQLRoomStore.userColumns), u.deleted_at FROM users u WHERE u.id > ? ORDER BY u.id LIMIT ?",
      [.integer(id), .integer(Int64(limit))]
    ).map(Self.user)
  }

  /// Deleted ones too; those that do not exist are missing.
  public func users(ids: [UserID]) async throws -> [CatalogueUser] {
    let ids = Set(ids).sorted()
    return try await database.withReader { connection in
      try ids.map(SQLValue.integer).inLists.flatMap { list in
        try connection.query(Self.usersByID, list).map(Self.user)
      }
    }
  }

  private static let usersByID =
    "SELECT \(SQLRoomStore.userColumns), u.deleted_at FROM users u WHERE u.id IN (\(SQLValue.list)) ORDER BY u.id"

  private static func user(_ row: SQLRow) throws -> CatalogueUser {
    CatalogueUser(user: try SQLRoomStore.user(row), deletedAt: row.integer(4))
  }

  /// Members who are users, with their ids for the next page.
  public func members(
    of room: RoomID, after user: UserID, limit: Int
  ) async throws -> [(id: UserID, member: CatalogueMember)] {
    try await database.query(
      """
      SELECT u.id, u.name, m.role, m.read_seq, m.joined_at FROM members m JOIN users u ON u.id = m.user_id
      WHERE m.room_id = ? AND m.user_id > ? AND u.deleted_at IS NULL ORDER BY m.user_id LIMIT ?
      """, [.integer(room), .integer(user), .integer(Int64(limit))]
    ).map { row in
      guard let id = row.integer(0), let name = row.text(1), let joinedAt = row.integer(4) else {
        throw UnreadableRow(table: "members")
      }
      let membership = try SQLRoomStore.membership(
        room: room, user: id, role: row.integer(2), readSeq: row.integer(3))
      return (
        id,
        CatalogueMember(
          room: room, user: name, role: membership.role, readSeq: membership.readSeq, joinedAt: joinedAt)
      )
    }
  }
}

extension SQLValue {
  private static let listLength = 128
  /// Placeholders of one list of `inLists`.
  static let list = SQLDialect.placeholders(listLength)

  fileprivate static func lists(_ values: [SQLValue]) -> [[SQLValue]] {
    stride(from: 0, to: values.count, by: listLength).map { start in
      let slice = values[start..<min(start + listLength, values.count)]
      return slice + Array(repeating: values[start], count: listLength - slice.count)
    }
  }
}

extension [SQLValue] {
  /// Cut into lists for `IN`, all of one length, so that there is one text of the statement.
  var inLists: [[SQLValue]] { SQLValue.lists(self) }
}
