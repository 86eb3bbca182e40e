import Drivers

extension SQLRoomStore {
  public func createRoom(_ new: NewRoom, by creator: User?) async throws -> (room: Room, position: RoomPosition) {
    let new = NewRoom(
      name: try RoomName.validated(new.name), topic: try RoomName.validatedTopic(new.topic), kind: new.kind,
      members: new.members, ref: new.ref)
    if let ref = new.ref { try Self.validateRef(ref) }
    do {
      return try await findOrInsert(new, by: creator)
    } catch  where (new.ref != nil || new.kind == .direct) && Self.isDuplicate(error) {
      // Another call with the same ref, or for the same two users, may have been faster: then its room is found now.
      return try await findOrInsert(new, by: creator)
    }
  }

  /// Of the ref, or of the name, which that other call has taken.
  private static func isDuplicate(_ error: any Error) -> Bool {
    (error as? SQLError)?.kind == .duplicateKey || (error as? ChatError)?.word == "name_taken"
  }

  private func findOrInsert(_ new: NewRoom, by creator: User?) async throws -> (room: Room, position: RoomPosition) {
    let created = try await database.withTransaction { connection in
      if let ref = new.ref, let made = try Self.room(ref: ref, by: creator, connection) { return made }
      return try self.insertRoom(new, by: creator, connection)
    }
    return (created.room, created.position)
  }

  struct Created: Sendable {
    var room: Room
    var position: RoomPosition
  }

  private static func validateRef(_ ref: String) throws(ChatError) {
    guard MessageLimits.refCharacters.contains(ref.utf8.count), ref.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
    else { throw .invalid("ref", "ref must have 1 to 64 printable ASCII characters.") }
  }

  /// The room that the creator has made with this ref before.
  private static func room(ref: String, by creator: User?, _ connection: any SQLConnection) throws -> Created? {
    let sql = """
      SELECT \(roomColumns), \(positionColumns), r.deleted_at FROM rooms r
      JOIN room_positions p ON p.room_id = r.id WHERE r.created_by = ? AND r.ref = ?
      """
    guard let row = try connection.query(sql, [createdBy(creator), .text(ref)]).first else { return nil }
    if row.integer(11) != nil {
      throw ChatError(409, "ref_conflict", "The room of that ref was deleted.", parameter: "ref")
    }
    return Created(room: try room(row), position: try position(row, at: 7))
  }

  /// 0 is nobody: NULL would never be equal to another NULL in the unique key of refs.
  private static func createdBy(_ creator: User?) -> SQLValue { .integer(creator?.id ?? 0) }

  private func insertRoom(_ new: NewRoom, by creator: User?, _ connection: any SQLConnection) throws -> Created {
    let others = try Self.otherMembers(of: new, creator: creator, connection)
    var directName: String?
    if new.kind == .direct {
      let pair = (creator.map { [$0] } ?? []) + others
      guard pair.count == 2 else { throw ChatError.invalid("members", "A direct room has exactly two members.") }
      let found = try Self.direct(between: pair, connection)
      if let room = found.room { return room }
      directName = found.name
    }
    let room = try insertRow(new, directName: directName, by: creator, connection)
    let position = RoomPosition(epoch: RoomEpoch.random(), lastEvent: 0, lastSeq: 0)
    try connection.execute(
      "INSERT INTO room_positions (room_id, epoch) VALUES (?, ?)", [.integer(room.id), .text(position.epoch)])
    if let creator { try insertMember(creator, .owner, in: room, connection) }
    for user in others { try insertMember(user, .member, in: room, connection) }
    return Created(room: room, position: position)
  }

  private func insertRow(
    _ new: NewRoom, directName: String?, by creator: User?, _ connection: any SQLConnection
  ) throws -> Room {
    var room = Room(
      id: 0, name: new.name, topic: new.topic, kind: new.kind, lane: 0, routing: "", createdAt: now())
    let uniqueName = directName ?? Self.uniqueName(of: room)
    let result = try Self.claimingName(uniqueName, connection) {
      try connection.execute(
        """
        INSERT INTO rooms (name, unique_name, topic, kind, lane, routing, created_at, created_by, ref)
        VALUES (?, ?, ?, ?, 0, '', ?, ?, ?)
        """,
        [
          .optional(room.name), .optional(uniqueName), .optional(room.topic),
          .integer(Int64(room.kind.rawValue)), .integer(room.createdAt), Self.createdBy(creator), .optional(new.ref),
        ])
    }
    room.id = result.lastInsertID
    room.lane = LaneAssignment.lane(of: room.id, count: laneCount)
    room.routing = String(room.id)
    try connection.execute(
      "UPDATE rooms SET lane = ?, routing = ? WHERE id = ?",
      [.integer(Int64(room.lane)), .text(room.routing), .integer(room.id)])
    return room
  }

  private func insertMember(
    _ user: User, _ role: Membership.Role, in room: Room, _ connection: any SQLConnection
  ) throws {
    try connection.execute(
      "INSERT INTO members (room_id, user_id, role, joined_at) VALUES (?, ?, ?, ?)",
      [.integer(room.id), .integer(user.id), .integer(Int64(role.rawValue)), .integer(room.createdAt)])
  }

  /// Each once, without the creator.
  private static func otherMembers(
    of new: NewRoom, creator: User?, _ connection: any SQLConnection
  ) throws -> [User] {
    var users: [User] = []
    var seen: Set<UserID> = creator.map { [$0.id] } ?? []
    for name in new.members {
      guard let valid = try? UserName.validated(name), let user = try user(named: valid, connection) else {
        throw ChatError.userNotFound(name)
      }
      if seen.insert(user.id).inserted { users.append(user) }
    }
    return users
  }
}
