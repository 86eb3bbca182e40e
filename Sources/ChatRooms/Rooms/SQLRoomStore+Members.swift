import Drivers

extension SQLRoomStore {
  static func membership(room: RoomID, user: UserID, role: Int64?, readSeq: Int64?) throws -> Membership {
    guard let role = role.flatMap(UInt8.init(exactly:)).flatMap(Membership.Role.init), let readSeq else {
      throw UnreadableRow(table: "members")
    }
    return Membership(room: room, user: user, role: role, readSeq: readSeq)
  }

  public func membership(room: RoomID, user: UserID) async throws -> Membership? {
    try await memberships.value(for: MembershipKey(room: room, user: user))
  }

  /// A row that cannot be read leaves its key without a value, which is that caller's failure alone.
  static func readMemberships(
    _ keys: [MembershipKey], _ connection: any SQLConnection
  ) throws -> [MembershipKey: Membership?] {
    let filled = keys.filledToPowerOfTwo()
    let anyOf = Array(repeating: "(room_id = ? AND user_id = ?)", count: filled.count).joined(separator: " OR ")
    let rows = try connection.query(
      "SELECT room_id, user_id, role, read_seq FROM members WHERE \(anyOf)",
      filled.flatMap { [.integer($0.room), .integer($0.user)] })
    var found = Dictionary(uniqueKeysWithValues: keys.map { ($0, Membership?.none) })
    for row in rows {
      guard let room = row.integer(0), let user = row.integer(1) else { throw UnreadableRow(table: "members") }
      let membership = try? membership(room: room, user: user, role: row.integer(2), readSeq: row.integer(3))
      found[MembershipKey(room: room, user: user)] = membership.map(Optional.some)
    }
    return found
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
        return try Self.enter(entries, room, joinedAt: joinedAt, connection)
      }
    }
  }

  /// Within the room's lock, which everybody takes who adds members.
  private static func enter(
    _ entries: [MemberEntries.Entry], _ room: RoomID, joinedAt: Milliseconds, _ connection: any SQLConnection
  ) throws -> [MemberEntries.Outcome] {
    let users = try readUsers(entries.map(\.user.name), connection)
    let keys = Set(entries.map { MembershipKey(room: room, user: $0.user.id) })
    var roles = try readMemberships(Array(keys), connection).compactMapValues { $0?.role }
    var new: [UserID] = []
    let outcomes = try entries.map { entry -> MemberEntries.Outcome in
      guard users[entry.user.name] ?? nil != nil else { return .failure(.userNotFound(entry.user.name)) }
      let known = roles.updateValue(entry.role, forKey: MembershipKey(room: room, user: entry.user.id))
      guard let known else {
        new.append(entry.user.id)
        return .success(true)
      }
      // Of somebody who is twice in the batch, the last role is the one that is inserted.
      if known != entry.role { try setRole(of: entry, room, connection) }
      return .success(false)
    }
    let members = new.map { (user: $0, role: roles[MembershipKey(room: room, user: $0)] ?? .member) }
    try insert(members, room, joinedAt: joinedAt, connection)
    return outcomes
  }

  private static func setRole(
    of entry: MemberEntries.Entry, _ room: RoomID, _ connection: any SQLConnection
  ) throws {
    try connection.execute(
      "UPDATE members SET role = ? WHERE room_id = ? AND user_id = ?",
      [.integer(Int64(entry.role.rawValue)), .integer(room), .integer(entry.user.id)])
  }

  private static func insert(
    _ members: [(user: UserID, role: Membership.Role)], _ room: RoomID, joinedAt: Milliseconds,
    _ connection: any SQLConnection
  ) throws {
    guard !members.isEmpty else { return }
    let filled = members.filledToPowerOfTwo()
    let rows = Array(repeating: "(?, ?, ?, ?)", count: filled.count).joined(separator: ", ")
    try connection.execute(
      "\(connection.dialect.insertOrIgnore) members (room_id, user_id, role, joined_at) VALUES \(rows)",
      filled.flatMap { member -> [SQLValue] in
        [.integer(room), .integer(member.user), .integer(Int64(member.role.rawValue)), .integer(joinedAt)]
      })
  }

  /// A mark past the room's newest message counts as that message.
  public func markRead(room: RoomID, user: UserID, seq: Int64) async throws -> Membership? {
    try await database.withTransaction { connection in
      let rows = try connection.query("SELECT last_seq FROM room_positions WHERE room_id = ?", [.integer(room)])
      let mark = SQLValue.integer(min(seq, rows.first?.integer(0) ?? 0))
      try connection.execute(
        "UPDATE members SET read_seq = ? WHERE room_id = ? AND user_id = ? AND read_seq < ?",
        [mark, .integer(room), .integer(user), mark])
      let key = MembershipKey(room: room, user: user)
      return try Self.readMemberships([key], connection)[key] ?? nil
    }
  }
}
