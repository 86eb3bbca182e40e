import Drivers

extension SQLRoomStore {
  static let roomColumns = "r.id, r.name, r.topic, r.kind, r.lane, r.routing, r.created_at"
  static let positionColumns = "p.epoch, p.last_event, p.last_seq, p.last_message_at"

  /// Reads `roomColumns`, which come first.
  static func room(_ row: SQLRow) throws -> Room {
    guard let id = row.integer(0), let kind = row.integer(3).flatMap(UInt8.init(exactly:)).flatMap(Room.Kind.init),
      let lane = row.integer(4).flatMap(Int.init(exactly:)), let routing = row.text(5), let createdAt = row.integer(6)
    else { throw UnreadableRow(table: "rooms") }
    return Room(
      id: id, name: row.text(1), topic: row.text(2), kind: kind, lane: lane, routing: routing, createdAt: createdAt)
  }

  /// Reads `positionColumns`, beginning at a column.
  static func position(_ row: SQLRow, at column: Int) throws -> RoomPosition {
    guard let epoch = row.text(column), let lastEvent = row.integer(column + 1), let lastSeq = row.integer(column + 2)
    else { throw UnreadableRow(table: "room_positions") }
    return RoomPosition(
      epoch: epoch, lastEvent: lastEvent, lastSeq: lastSeq, lastMessageAt: row.integer(column + 3))
  }

  public func room(_ id: RoomID) async throws -> Room? {
    try await database.withReader { try Self.room(id, $0) }
  }

  static func room(_ id: RoomID, _ connection: any SQLConnection, lock: String = "") throws -> Room? {
    let sql = "SELECT \(roomColumns) FROM rooms r WHERE r.id = ? AND r.deleted_at IS NULL\(lock)"
    return try connection.query(sql, [.integer(id)]).first.map { try room($0) }
  }

  /// A public room; other rooms' names are not unique.
  public func room(named name: String) async throws -> Room? {
    guard let name = try? RoomName.validated(name) else { return nil }
    let sql = "SELECT \(Self.roomColumns) FROM rooms r WHERE r.unique_name = ? AND r.deleted_at IS NULL"
    return try await database.query(sql, [.text(name)]).first.map { try Self.room($0) }
  }

  public func rooms(named name: String, member: UserID?) async throws -> [Room] {
    guard let name = try? RoomName.validated(name) else { return [] }
    let sql = """
      SELECT \(Self.roomColumns) FROM rooms r WHERE r.unique_name = ? AND r.deleted_at IS NULL
      UNION ALL SELECT \(Self.roomColumns) FROM members m JOIN rooms r ON r.id = m.room_id
      WHERE m.user_id = ? AND r.name = ? AND r.kind <> \(Room.Kind.public.rawValue) AND r.deleted_at IS NULL
      """
    let values: [SQLValue] = [.text(name), .integer(member ?? 0), .text(name)]
    return try await database.query(sql, values).map { try Self.room($0) }
  }

  public func updateRoom(_ id: RoomID, name: String??, topic: String??) async throws -> Room {
    let name: String?? = if let name { .some(try RoomName.validated(name)) } else { nil }
    let topic: String?? = if let topic { .some(try RoomName.validatedTopic(topic)) } else { nil }
    return try await database.withTransaction { connection in
      guard var room = try Self.room(id, connection, lock: connection.dialect.forUpdate) else {
        throw ChatError.roomNotFound(id)
      }
      if let name { room.name = name }
      if let topic { room.topic = topic }
      // A direct room keeps its hidden name.
      try Self.claimingName(room.name, connection) {
        try connection.execute(
          """
          UPDATE rooms SET name = ?, unique_name = CASE WHEN kind = \(Room.Kind.public.rawValue) THEN ? \
          ELSE unique_name END, topic = ? WHERE id = ?
          """,
          [.optional(room.name), .optional(Self.uniqueName(of: room)), .optional(room.topic), .integer(id)])
      }
      return room
    }
  }

  static func uniqueName(of room: Room) -> String? { room.kind == .public ? room.name : nil }

  /// Runs a statement that takes a public room's name. A deleted room gives its name up to it.
  ///
  /// - Throws: `ChatError` 409 `name_taken`.
  @discardableResult
  static func claimingName(
    _ name: String?, _ connection: any SQLConnection, _ statement: () throws -> SQLResult
  ) throws -> SQLResult {
    do {
      return try statement()
    } catch let error as SQLError where error.kind == .duplicateKey {
      guard let name else { throw error }
      let rows = try connection.query("SELECT deleted_at FROM rooms WHERE unique_name = ?", [.text(name)])
      guard let holder = rows.first else { throw error }
      guard holder.integer(0) != nil else {
        throw ChatError(409, "name_taken", "There is a public room named \(name).", parameter: "name")
      }
      try connection.execute(
        "UPDATE rooms SET unique_name = NULL WHERE unique_name = ? AND deleted_at IS NOT NULL", [.text(name)])
      return try statement()
    }
  }
}
