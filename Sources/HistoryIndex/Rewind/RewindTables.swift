import ChatRooms
import Drivers

/// How far the numbers jump at a rewind, so that nothing which anybody saw is ever used again, also what nobody is
/// there to tell of.
enum RewindJump {
  /// Of lanes. More than a hub follows (`RoomHub.Limits.laneLag`): every server skips the lane, and the clients of all
  /// its rooms resume.
  static let positions: Int64 = 100_000
  /// Of rooms. More than a resume may be behind (`HistoryLimits.join`): a client without an epoch begins anew as well.
  static let events: Int64 = 1_000_000
  /// Of users and rooms.
  static let ids: Int64 = 1_000
  /// Of leases: whoever held one before the rewind holds it no more.
  static let leases: Int64 = 1_000_000
}

/// The database's side of a rewind: what it holds, and the transactions that repair it.
struct RewindTables: Sendable {
  let database: any SQLDatabase

  /// When the installation was made.
  func installedAt() async throws -> Milliseconds {
    try await database.query("SELECT created_at FROM installation WHERE one = 1").first?.integer(0) ?? 0
  }

  func hasUnfinished() async throws -> Bool {
    try await !database.query("SELECT id FROM rewinds WHERE finished_at IS NULL LIMIT 1").isEmpty
  }

  /// Of the rooms that there are.
  func counters(of rooms: Set<RoomID>) async throws -> [RoomID: RoomCounters] {
    try await database.withReader { try Self.counters(of: rooms, $0) }
  }

  static func counters(of rooms: Set<RoomID>, _ connection: any SQLConnection) throws -> [RoomID: RoomCounters] {
    var found: [RoomID: RoomCounters] = [:]
    let sorted = rooms.sorted()
    for start in stride(from: 0, to: sorted.count, by: Self.largestList) {
      let part = sorted[start..<min(start + largestList, sorted.count)]
      // Repeated up to a length, so that there is one statement to prepare.
      let list = part + Array(repeating: part[start], count: largestList - part.count)
      let rows = try connection.query(
        "SELECT room_id, \(counterColumns) FROM room_positions WHERE room_id IN "
          + "(\(SQLDialect.placeholders(largestList)))", list.map(SQLValue.integer))
      for row in rows { if let room = row.integer(0) { found[room] = counters(row, at: 1) } }
    }
    return found
  }

  private static let largestList = 500
  private static let counterColumns = "last_event, last_seq, last_message_at, is_closed, import_id"

  private static func counters(_ row: SQLRow, at first: Int) -> RoomCounters {
    RoomCounters(
      lastEvent: row.integer(first) ?? 0, lastSeq: row.integer(first + 1) ?? 0, lastMessageAt: row.integer(first + 2),
      isClosed: row.integer(first + 3) != 0, isImporting: row.integer(first + 4) != nil)
  }

  /// Writes down that a rewind is being repaired, or finds that it is.
  ///
  /// - Parameter holds: whether there still is something to repair: another server may have been faster.
  /// - Returns: its number; `nil` if there is nothing to repair any more.
  func begin(
    _ evidence: String, now: Milliseconds, holds: @escaping @Sendable (any SQLConnection) throws -> Bool
  ) async throws -> Int64? {
    try await database.withTransaction { connection in
      try Self.lockInstallation(connection)
      let unfinished = try connection.query("SELECT id FROM rewinds WHERE finished_at IS NULL ORDER BY id LIMIT 1")
      if let id = unfinished.first?.integer(0) { return id }
      guard try holds(connection) else { return nil }
      return try connection.execute(
        "INSERT INTO rewinds (evidence, found_at) VALUES (?, ?)", [.text(evidence), .integer(now)]
      ).lastInsertID
    }
  }

  /// One server at a time begins or ends a rewind.
  private static func lockInstallation(_ connection: any SQLConnection) throws {
    _ = try connection.query("SELECT id FROM installation WHERE one = 1 FOR UPDATE")
  }

  static func heads(_ connection: any SQLConnection) throws -> [Int: Int64] {
    let rows = try connection.query("SELECT lane, head FROM journal_lanes")
    return Dictionary(rows.map { (Int($0.integer(0) ?? 0), $0.integer(1) ?? 0) }) { first, _ in first }
  }

  /// Brings lost messages and changes of one room back into the journal. What is there already is passed over.
  ///
  /// - Returns: how many, and how many of them are holes.
  func adopt(_ documents: [RoomEvent], into room: RoomID, now: Milliseconds) async throws -> (rows: Int, holes: Int) {
    guard let any = documents.first else { return (0, 0) }
    let counts = try await database.withTransaction { connection in
      let room = try Self.room(room, like: any, now: now, connection)
      let head = try connection.query(
        "SELECT head FROM journal_lanes WHERE lane = ? FOR UPDATE", [.integer(Int64(room.lane))]
      ).first?.integer(0)
      let row = try connection.query(
        "SELECT \(Self.counterColumns) FROM room_positions WHERE room_id = ? FOR UPDATE", [.integer(room.id)]
      ).first
      guard let head, let row else { throw SQLError(kind: .other, code: 0, message: "Room \(room.id) has no counters") }
      let recovery = try RoomRecovery(of: room, documents, counters: Self.counters(row, at: 0), head: head)
      try Self.write(recovery, of: room, connection)
      return [recovery.rows.count, recovery.holes]
    }
    return (counts[0], counts[1])
  }

  /// A room that was made after the copy comes back without its name and its members: the index knows neither.
  private static func room(
    _ id: RoomID, like document: RoomEvent, now: Milliseconds, _ connection: any SQLConnection
  ) throws -> Room {
    let rows = try connection.query("SELECT kind, lane, routing FROM rooms WHERE id = ?", [.integer(id)])
    if let row = rows.first {
      return Room(
        id: id, name: nil, topic: nil,
        kind: row.integer(0).flatMap(UInt8.init(exactly:)).flatMap(Room.Kind.init) ?? .private,
        lane: Int(row.integer(1) ?? 0), routing: row.text(2) ?? "", createdAt: 0)
    }
    let lane = LaneAssignment.lane(of: id, count: SchemaMigrator.laneCount)
    try connection.execute(
      "INSERT INTO rooms (id, kind, lane, routing, created_at, created_by) VALUES (?, ?, ?, ?, ?, 0)",
      [
        .integer(id), .integer(Int64(document.roomKind.rawValue)), .integer(Int64(lane)), .text(document.routing),
        .integer(document.message.timestamp),
      ])
    try connection.execute(
      "INSERT INTO room_positions (room_id, epoch) VALUES (?, ?)", [.integer(id), .text(RoomEpoch.random())])
    return Room(
      id: id, name: nil, topic: nil, kind: document.roomKind, lane: lane, routing: document.routing,
      createdAt: document.message.timestamp)
  }

  private static func write(_ recovery: RoomRecovery, of room: Room, _ connection: any SQLConnection) throws {
    guard !recovery.rows.isEmpty else { return }
    for row in recovery.rows {
      try connection.execute(
        "INSERT INTO journal (\(JournalTable.columns)) VALUES (\(SQLDialect.placeholders(JournalTable.columnCount)))",
        JournalTable.values(row))
      let (event, message) = (row.event, row.event.message)
      if event.kind != .message {
        try connection.execute(
          "INSERT IGNORE INTO room_changes (room_id, event, seq, kind, last_seq) VALUES (?, ?, ?, ?, ?)",
          [
            .integer(room.id), .integer(event.event), .integer(message.seq), .integer(Int64(event.kind.rawValue)),
            .integer(event.lastSeq),
          ])
      }
      // An author who is lost too comes back. The name of another by now stays with that one.
      if message.userID > 0 {
        try connection.execute(
          "INSERT IGNORE INTO users (id, name, created_at) VALUES (?, ?, ?)",
          [.integer(message.userID), .text(message.user), .integer(message.timestamp)])
      }
    }
    let counters = recovery.counters
    try connection.execute(
      "UPDATE room_positions SET last_event = ?, last_seq = ?, last_message_at = ? WHERE room_id = ?",
      [
        .integer(counters.lastEvent), .integer(counters.lastSeq), .optional(counters.lastMessageAt), .integer(room.id),
      ])
    try connection.execute(
      "UPDATE journal_lanes SET head = ? WHERE lane = ?", [.integer(recovery.head), .integer(Int64(room.lane))])
  }

  /// Makes ids that the index has seen, and some more, impossible: a row of that id is inserted and taken away again.
  func raiseIDs(rooms: RoomID, users: UserID) async throws {
    try await database.withTransaction { connection in
      let word = SQLValue.text("\u{1}\(RoomEpoch.random())")
      let room = max(rooms, try Self.newest("rooms", connection)) + RewindJump.ids
      try connection.execute(
        "INSERT INTO rooms (id, kind, lane, routing, created_at, deleted_at) VALUES (?, 2, 0, '', 0, 0)",
        [.integer(room)])
      try connection.execute("DELETE FROM rooms WHERE id = ?", [.integer(room)])
      let user = max(users, try Self.newest("users", connection)) + RewindJump.ids
      try connection.execute(
        "INSERT INTO users (id, name, created_at, deleted_at) VALUES (?, ?, 0, 0)", [.integer(user), word])
      try connection.execute("DELETE FROM users WHERE id = ?", [.integer(user)])
    }
  }

  private static func newest(_ table: String, _ connection: any SQLConnection) throws -> Int64 {
    try connection.query("SELECT COALESCE(MAX(id), 0) FROM \(table)").first?.integer(0) ?? 0
  }

  /// Raises every number above what was seen and gives every room a new epoch. Servers find their lanes far behind, and
  /// have their clients resume.
  ///
  /// - Returns: false if another server has done it.
  func finish(
    _ rewind: Int64, seen: [Int: Int64], messages: Int, holes: Int, now: Milliseconds
  ) async throws -> Bool {
    try await database.withTransaction { connection in
      try Self.lockInstallation(connection)
      let lanes = try connection.query("SELECT lane FROM journal_lanes ORDER BY lane FOR UPDATE")
      let ended = try connection.execute(
        "UPDATE rewinds SET finished_at = ?, messages = ?, holes = ? WHERE id = ? AND finished_at IS NULL",
        [.integer(now), .integer(Int64(messages)), .integer(Int64(holes)), .integer(rewind)])
      guard ended.affectedRows == 1 else { return false }
      for lane in lanes.compactMap({ $0.integer(0) }) {
        try connection.execute(
          "UPDATE journal_lanes SET head = GREATEST(head, ?) + ? WHERE lane = ?",
          [.integer(seen[Int(lane)] ?? 0), .integer(RewindJump.positions), .integer(lane)])
      }
      try connection.execute(
        "UPDATE lane_leases SET number = number + ?, owner = NULL, expires_at = NULL", [.integer(RewindJump.leases)])
      try Self.changeEpochs(connection)
      try ErasureLedger.repeatAll(connection)
      return true
    }
  }

  /// An import that is under way counts by itself: its room's numbers are left to it.
  static func changeEpochs(_ connection: any SQLConnection) throws {
    try connection.execute(
      """
      UPDATE room_positions SET epoch = ?, \
      last_event = last_event + CASE WHEN import_id IS NULL THEN ? ELSE 0 END
      """, [.text(RoomEpoch.random()), .integer(RewindJump.events)])
  }
}
