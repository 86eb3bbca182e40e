import Drivers

extension SQLRoomStore {
  public func summary(of id: RoomID, reader: UserID?) async throws -> RoomSummary? {
    let sql = Self.summaries(isMember: false) + " AND r.id = ?"
    return try await database.query(sql, [.integer(reader ?? 0), .integer(id)]).first.map { try Self.summary($0) }
  }

  public func rooms(_ filter: RoomFilter) async throws -> [RoomSummary] {
    guard filter.limit > 0 else { return [] }
    let sql =
      Self.summaries(isMember: filter.membersOnly)
      + " AND r.id > ? AND (? = 1 OR r.kind = 1 OR m.user_id IS NOT NULL) ORDER BY r.id LIMIT ?"
    return try await database.withReader { connection in
      var found: [RoomSummary] = []
      var after = filter.after
      // With a text, names are compared here: neither database folds the case of every script.
      let step = filter.text == nil ? filter.limit : max(filter.limit, Self.roomsAtOnce)
      while true {
        let rows = try connection.query(
          sql, [.integer(filter.reader ?? 0), .integer(after), .integer(filter.isAdmin ? 1 : 0), .integer(Int64(step))])
        let page = try rows.map { try Self.summary($0) }
        found += page.lazy.filter { filter.shows($0.room.name) }.prefix(filter.limit - found.count)
        guard found.count < filter.limit, page.count == step, let last = page.last else { return found }
        after = last.room.id
      }
    }
  }

  public func roomIDs(_ filter: RoomFilter) async throws -> [RoomID] {
    let sql = """
      SELECT r.id, r.name FROM rooms r \(Self.joinMember(isMember: filter.membersOnly))
      WHERE r.deleted_at IS NULL AND r.id > ? AND (? = 1 OR r.kind = 1 OR m.user_id IS NOT NULL) ORDER BY r.id
      """
    let rows = try await database.query(
      sql, [.integer(filter.reader ?? 0), .integer(filter.after), .integer(filter.isAdmin ? 1 : 0)])
    return rows.lazy.filter { filter.shows($0.text(1)) }.compactMap { $0.integer(0) }
  }

  private static let roomsAtOnce = 500

  /// The reader's id is its first parameter.
  private static func summaries(isMember: Bool) -> String {
    """
    SELECT \(roomColumns), \(positionColumns), (SELECT COUNT(*) FROM members c WHERE c.room_id = r.id),
      m.user_id, m.role, m.read_seq
    FROM rooms r JOIN room_positions p ON p.room_id = r.id \(joinMember(isMember: isMember))
    WHERE r.deleted_at IS NULL
    """
  }

  private static func joinMember(isMember: Bool) -> String {
    "\(isMember ? "" : "LEFT ")JOIN members m ON m.room_id = r.id AND m.user_id = ?"
  }

  private static func summary(_ row: SQLRow) throws -> RoomSummary {
    let room = try room(row)
    let membership: Membership? = try row.integer(12).map { user in
      try Self.membership(room: room.id, user: user, role: row.integer(13), readSeq: row.integer(14))
    }
    return RoomSummary(
      room: room, position: try position(row, at: 7), memberCount: Int(clamping: row.integer(11) ?? 0),
      membership: membership)
  }
}

extension RoomFilter {
  fileprivate func shows(_ name: String?) -> Bool { text.map { RoomName.matches(name, $0) } ?? true }
}
