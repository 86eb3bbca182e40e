import ChatRooms
import Drivers

/// What MySQL's journal holds of a deleted user: messages in their present state, and rows of earlier states.
///
/// Found room by room in the index of refs: one of authors would cost every message.
struct JournalTraces {
  private static let roomsAtOnce: Int64 = 500
  private static let rowsAtOnce: Int64 = 500

  let database: any SQLDatabase

  func sweep(_ erasure: Erasure, change: ([MessageTrace]) async throws -> Void) async throws -> Int {
    var found = 0
    var rooms = TracedRooms(database)
    var last: RoomID = 0
    while true {
      let page = try await self.rooms(of: erasure, after: last)
      for id in page {
        guard let room = try await rooms.room(id) else { continue }
        found += try await sweep(erasure, room, change)
      }
      guard page.count == Int(Self.roomsAtOnce), let end = page.last else { return found }
      last = end
    }
  }

  private static let isTrace = "j.room_id = ? AND j.user_id = ? AND j.user_name <> ?"

  /// Rooms with rows that name the user, rising.
  private func rooms(of erasure: Erasure, after last: RoomID) async throws -> [RoomID] {
    try await database.query(
      """
      SELECT p.room_id FROM room_positions p WHERE p.room_id > ? AND EXISTS (
        SELECT 1 FROM journal j FORCE INDEX (journal_by_ref)
        WHERE j.room_id = p.room_id AND j.user_id = ? AND j.user_name <> ?
      ) ORDER BY p.room_id LIMIT ?
      """, [.integer(last), .integer(erasure.user), .text(DeletedUser.name), .integer(Self.roomsAtOnce)]
    ).compactMap { $0.integer(0) }
  }

  private func sweep(
    _ erasure: Erasure, _ room: Room, _ change: ([MessageTrace]) async throws -> Void
  ) async throws -> Int {
    var found = 0
    var last: Int64 = 0
    while true {
      let rows = try await rows(of: erasure, in: room, after: last)
      let present = rows.filter { $0.isPresent && $0.event.message.seq > 0 }
      if !present.isEmpty { try await change(present.map { MessageTrace(room: room, message: $0.event.message) }) }
      try await scrub(rows.filter { !$0.isPresent || $0.event.message.seq == 0 }, erasure)
      found += rows.count
      guard rows.count == Int(Self.rowsAtOnce), let end = rows.last else { return found }
      last = end.event.position
    }
  }

  private typealias Row = (event: RoomEvent, isPresent: Bool)

  private func rows(of erasure: Erasure, in room: Room, after position: Int64) async throws -> [Row] {
    try await database.query(
      """
      SELECT \(JournalTable.columns), NOT EXISTS (
        SELECT 1 FROM room_changes c WHERE c.room_id = j.room_id AND c.seq = j.seq AND c.event > j.event
      ) FROM journal j FORCE INDEX (journal_by_ref) WHERE \(Self.isTrace) AND j.position > ?
      ORDER BY j.position LIMIT ?
      """,
      [
        .integer(room.id), .integer(erasure.user), .text(DeletedUser.name), .integer(position),
        .integer(Self.rowsAtOnce),
      ]
    ).map { row in
      let event = try JournalTable.event(SQLRow(Array(row.values.prefix(JournalTable.columnCount))))
      return (event, row.integer(JournalTable.columnCount) == 1)
    }
  }

  /// Takes the author, and where messages are erased the text, out of rows that no message is read from any more. They
  /// stay in their places: followers count them. Rows of removals keep the id, by which sockets are ended.
  ///
  /// By primary key, so that no gap is locked where others insert.
  private func scrub(_ rows: [Row], _ erasure: Erasure) async throws {
    for (lane, rows) in Dictionary(grouping: rows, by: { $0.event.lane }) {
      let positions = rows.map { String($0.event.position) }.joined(separator: ", ")
      let text = erasure.fate == .erase ? "''" : "text"
      _ = try await database.withTransaction { connection in
        try connection.execute(
          """
          UPDATE journal SET user_name = '\(DeletedUser.name)', user_id = IF(seq = 0, user_id, \(DeletedUser.id)), \
          ref = NULL, data = NULL, text = \(text) WHERE lane = \(lane) AND position IN (\(positions))
          """)
      }
    }
  }
}
