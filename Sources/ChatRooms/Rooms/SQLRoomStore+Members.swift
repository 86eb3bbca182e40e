import Drivers

extension SQLRoomStore {
  static func membership(room: RoomID, user: UserID, role: Int64?, readSeq: Int64?) throws -> Membership {
    guard let role = role.flatMap(UInt8.init(exactly:)).flatMap(Membership.Role.init), let readSeq else {
      throw UnreadableRow(table: "members")
    }
    return Membership(room: room, user: user, role: role, readSeq: readSeq)
  }

  public func membership(room: RoomID, user: UserID) async throws -> Membership? {
    try await database.withReader { try Self.membership(room: room, user: user, $0) }
  }

  private static func membership(
    room: RoomID, user: UserID, _ connection: any SQLConnection
  ) throws -> Membership? {
    let sql = "SELECT role, read_seq FROM members WHERE room_id = ? AND user_id = ?"
    return try connection.query(sql, [.integer(room), .integer(user)]).first.map { row in
      try membership(room: room, user: user, role: row.integer(0), readSeq: row.integer(1))
    }
  }

  public func members(of room: RoomID) async throws -> [Member] {
    let sql = """
      SELECT \(Self.userColumns), m.role, m.read_seq FROM members m JOIN users u ON u.id = m.user_id
      WHERE m.room_id = ? ORDER BY u.name
      """
    return try await database.query(sql, [.integer(room)]).map { row in
      let user = try Self.user(row)
      return Member(
        user: user,
        membership: try Self.membership(room: room, user: user.id, role: row.integer(4), readSeq: row.integer(5)))
    }
  }

  public func memberships(of user: UserID) async throws -> [Membership] {
    let sql = """
      SELECT m.room_id, m.role, m.read_seq FROM members m JOIN rooms r ON r.id = m.room_id
      WHERE m.user_id = ? AND r.deleted_at IS NULL ORDER BY m.room_id
      """
    return try await database.query(sql, [.integer(user)]).map { row in
      guard let room = row.integer(0) else { throw UnreadableRow(table: "members") }
      return try Self.membership(room: room, user: user, role: row.integer(1), readSeq: row.integer(2))
    }
  }

  @discardableResult
  public func addMember(_ user: User, to room: RoomID, role: Membership.Role) async throws -> Bool {
    try await entries.add(MemberEntries.Entry(user: user, role: role), to: room) { [database, now] entries in
      let joinedAt = now()
      return try await database.withTransaction { connection in
        guard try Self.room(room, connection, lock: connection.dialect.forUpdate) != nil else {
          throw ChatError.roomNotFound(room)
        }
        return try entries.map { try Self.enter($0, room, joinedAt: joinedAt, connection) }
      }
    }
  }

  private static func enter(
    _ entry: MemberEntries.Entry, _ room: RoomID, joinedAt: Milliseconds, _ connection: any SQLConnection
  ) throws -> MemberEntries.Outcome {
    guard try Self.user(named: entry.user.name, connection) != nil else {
      return .failure(ChatError.userNotFound(entry.user.name))
    }
    let (room, user) = (SQLValue.integer(room), SQLValue.integer(entry.user.id))
    let role = SQLValue.integer(Int64(entry.role.rawValue))
    let result = try connection.execute(
      "\(connection.dialect.insertOrIgnore) members (room_id, user_id, role, joined_at) VALUES (?, ?, ?, ?)",
      [room, user, role, .integer(joinedAt)])
    if result.affectedRows > 0 { return .success(true) }
    try connection.execute("UPDATE members SET role = ? WHERE room_id = ? AND user_id = ?", [role, room, user])
    return .success(false)
  }

  /// A mark past the room's newest message counts as that message.
  public func markRead(room: RoomID, user: UserID, seq: Int64) async throws -> Membership? {
    try await database.withTransaction { connection in
      let rows = try connection.query("SELECT last_seq FROM room_positions WHERE room_id = ?", [.integer(room)])
      let mark = SQLValue.integer(min(seq, rows.first?.integer(0) ?? 0))
      try connection.execute(
        "UPDATE members SET read_seq = ? WHERE room_id = ? AND user_id = ? AND read_seq < ?",
        [mark, .integer(room), .integer(user), mark])
      return try Self.membership(room: room, user: user, connection)
    }
  }
}
