import Drivers

/// Brings users, rooms and memberships of an export into an installation, on behalf of one import.
///
/// Everything may be repeated after a crash: users and memberships that exist are left as they are, and rooms come in
/// one transaction, held by the import, in the export's order. So the rooms that the import holds are the export's.
public struct CatalogueWriter: Sendable {
  private let database: any SQLDatabase
  private let laneCount: Int
  /// The row of `imports`.
  private let importID: Int64

  public init(database: any SQLDatabase, laneCount: Int, importID: Int64) {
    self.database = database
    self.laneCount = laneCount
    self.importID = importID
  }

  /// Whether there is no room but this import's own. Ids can be kept then: nothing refers to other ones.
  public func isAlone() async throws -> Bool {
    try await database.query(
      """
      SELECT r.id FROM rooms r LEFT JOIN room_positions p ON p.room_id = r.id
      WHERE p.import_id IS NULL OR p.import_id <> ? LIMIT 1
      """, [.integer(importID)]
    ).isEmpty
  }

  // MARK: Users

  /// Adds those whose names are new.
  ///
  /// - Parameter keepsIDs: gives them the ids that they have, as far as these are higher than all others.
  public func add(_ users: [CatalogueUser], keepsIDs: Bool) async throws {
    let attempts = 3
    for _ in 1..<attempts {
      do {
        return try await insert(users, keepsIDs: keepsIDs)
      } catch let error as SQLError where error.kind == .duplicateKey {
        // A server has just made one of them.
        continue
      }
    }
    try await insert(users, keepsIDs: keepsIDs)
  }

  private func insert(_ users: [CatalogueUser], keepsIDs: Bool) async throws {
    try await database.withTransaction { connection in
      var known = Set(try Self.identities(named: users.map(\.user.name), connection).keys)
      var newest = try connection.query("SELECT MAX(id) FROM users").first?.integer(0) ?? 0
      for entry in users where known.insert(entry.user.name).inserted {
        let user = entry.user
        let id = keepsIDs && user.id > newest ? user.id : nil
        let result = try connection.execute(
          "INSERT INTO users (id, name, display_name, created_at, deleted_at) VALUES (?, ?, ?, ?, ?)",
          [
            .optional(id), .text(user.name), .optional(user.displayName), .integer(user.createdAt),
            .optional(entry.deletedAt),
          ])
        newest = id ?? result.lastInsertID
      }
    }
  }

  /// Whom a name belongs to, or belonged to.
  public struct Identity: Sendable, Equatable {
    public var id: UserID
    public var isDeleted: Bool
  }

  /// Names that nobody has are missing.
  public func identities(named names: [String]) async throws -> [String: Identity] {
    try await database.withReader { try Self.identities(named: names, $0) }
  }

  private static func identities(
    named names: [String], _ connection: any SQLConnection
  ) throws -> [String: Identity] {
    var found: [String: Identity] = [:]
    for list in Set(names).sorted().map(SQLValue.text).inLists {
      for row in try connection.query(
        "SELECT u.name, u.id, u.deleted_at FROM users u WHERE u.name IN (\(SQLValue.list))", list)
      {
        guard let name = row.text(0), let id = row.integer(1) else { throw UnreadableRow(table: "users") }
        found[name] = Identity(id: id, isDeleted: row.integer(2) != nil)
      }
    }
    return found
  }

  // MARK: Rooms

  /// Which of these names public rooms have.
  public static func takenNames(_ names: [String], in database: any SQLDatabase) async throws -> [String] {
    try await database.withReader { connection in
      try names.map(SQLValue.text).inLists.flatMap { list in
        try connection.query(
          "SELECT r.unique_name FROM rooms r WHERE r.deleted_at IS NULL AND r.unique_name IN (\(SQLValue.list))", list
        ).compactMap { $0.text(0) }
      }
    }
  }

  /// Makes the rooms, empty and held by the import: all of them or none.
  ///
  /// - Throws: `ChatError` 409 `name_taken`.
  public func add(_ rooms: [CatalogueRoom], keepsIDs: Bool) async throws {
    let creators = try await identities(named: rooms.compactMap(\.createdBy))
    try await database.withTransaction { connection in
      var newest = try connection.query("SELECT MAX(id) FROM rooms").first?.integer(0) ?? 0
      for entry in rooms {
        let id = keepsIDs && entry.room.id > newest ? entry.room.id : nil
        let creator = entry.createdBy.flatMap { creators[$0]?.id } ?? 0
        newest = try insert(entry, id: id, creator: creator, connection)
        try connection.execute(
          "INSERT INTO room_positions (room_id, epoch, import_id) VALUES (?, ?, ?)",
          [.integer(newest), .text(RoomEpoch.random()), .integer(importID)])
      }
    }
  }

  /// Returns the room's id.
  private func insert(
    _ entry: CatalogueRoom, id: RoomID?, creator: UserID, _ connection: any SQLConnection
  ) throws -> RoomID {
    let room = entry.room
    let lane = id.map { LaneAssignment.lane(of: $0, count: laneCount) } ?? 0
    let ref = try entry.ref.flatMap { try Self.isFree(ref: $0, creator: creator, connection) ? $0 : nil }
    let result = try SQLRoomStore.claimingName(SQLRoomStore.uniqueName(of: room), connection) {
      try connection.execute(
        """
        INSERT INTO rooms (id, name, unique_name, topic, kind, lane, routing, created_at, created_by, ref)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          .optional(id), .optional(room.name), .optional(SQLRoomStore.uniqueName(of: room)), .optional(room.topic),
          .integer(Int64(room.kind.rawValue)), .integer(Int64(lane)), .text(id.map(String.init) ?? ""),
          .integer(room.createdAt), .integer(creator), .optional(ref),
        ])
    }
    if let id { return id }
    let made = result.lastInsertID
    try connection.execute(
      "UPDATE rooms SET lane = ?, routing = ? WHERE id = ?",
      [.integer(Int64(LaneAssignment.lane(of: made, count: laneCount))), .text(String(made)), .integer(made)])
    return made
  }

  private static func isFree(ref: String, creator: UserID, _ connection: any SQLConnection) throws -> Bool {
    try connection.query(
      "SELECT id FROM rooms WHERE created_by = ? AND ref = ?", [.integer(creator), .text(ref)]
    ).isEmpty
  }

  /// The rooms that the import holds, rising by id, and where they stand.
  public func heldRooms() async throws -> [(room: Room, position: RoomPosition)] {
    try await database.query(
      """
      SELECT \(SQLRoomStore.roomColumns), \(SQLRoomStore.positionColumns)
      FROM room_positions p JOIN rooms r ON r.id = p.room_id WHERE p.import_id = ? ORDER BY p.room_id
      """, [.integer(importID)]
    ).map { (try SQLRoomStore.room($0), try SQLRoomStore.position($0, at: 7)) }
  }

  // MARK: Members

  /// Adds memberships that are new. A user who was deleted here is a member of nothing.
  ///
  /// - Parameter members: their rooms are this installation's.
  public func add(_ members: [CatalogueMember]) async throws {
    let identities = try await identities(named: members.map(\.user))
    try await database.withTransaction { connection in
      for member in members {
        guard let user = identities[member.user], !user.isDeleted else { continue }
        try connection.execute(
          """
          \(connection.dialect.insertOrIgnore) members (room_id, user_id, role, read_seq, joined_at)
          VALUES (?, ?, ?, ?, ?)
          """,
          [
            .integer(member.room), .integer(user.id), .integer(Int64(member.role.rawValue)), .integer(member.readSeq),
            .integer(member.joinedAt),
          ])
      }
    }
  }
}
