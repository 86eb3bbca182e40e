import ChatRooms
import Drivers

/// A room with the counters up to which it is verified.
struct VerifiedRoom: Sendable {
  var id: RoomID
  var lane: Int64
  var routing: String
  var kind: Room.Kind
  var lastEvent: Int64
  var lastSeq: Int64
  var isImporting: Bool

  static let columns = "p.room_id, r.lane, r.routing, r.kind, p.last_event, p.last_seq, p.import_id"
  private static let page: Int64 = 200

  init?(_ row: SQLRow) {
    guard let id = row.integer(0), let lane = row.integer(1), let lastEvent = row.integer(4),
      let lastSeq = row.integer(5),
      let kind = row.integer(3).flatMap(UInt8.init(exactly:)).flatMap(Room.Kind.init)
    else { return nil }
    self.id = id
    self.lane = lane
    self.kind = kind
    self.lastEvent = lastEvent
    self.lastSeq = lastSeq
    routing = row.text(2) ?? ""
    isImporting = row.integer(6) != nil
  }

  /// By id, deleted ones too: their history is kept.
  static func page(after last: RoomID, of database: any SQLDatabase) async throws -> [VerifiedRoom] {
    try await database.query(
      """
      SELECT \(columns) FROM room_positions p JOIN rooms r ON r.id = p.room_id WHERE p.room_id > ? \
      ORDER BY p.room_id LIMIT ?
      """, [.integer(last), .integer(page)]
    ).compactMap(VerifiedRoom.init)
  }

  /// The counters as they are now.
  static func counters(
    of room: RoomID, in database: any SQLDatabase
  ) async throws -> (lastEvent: Int64, lastSeq: Int64) {
    let row = try await database.query(
      "SELECT last_event, last_seq FROM room_positions WHERE room_id = ?", [.integer(room)]
    ).first
    return (row?.integer(0) ?? 0, row?.integer(1) ?? 0)
  }

  /// Raises counters that are behind. A writer compares before it sets them, and so begins its transaction anew.
  static func raise(
    _ room: RoomID, event: Int64, seq: Int64, in database: any SQLDatabase
  ) async throws {
    let greatest = database.dialect == .mysql ? "GREATEST" : "MAX"
    try await database.execute(
      "UPDATE room_positions SET last_event = \(greatest)(last_event, ?), last_seq = \(greatest)(last_seq, ?) "
        + "WHERE room_id = ?", [.integer(event), .integer(seq), .integer(room)])
  }

  static func changes(of room: VerifiedRoom, in database: any SQLDatabase) async throws -> [RoomChange] {
    try await database.query(
      "SELECT event, seq, kind, last_seq FROM room_changes WHERE room_id = ? AND event <= ? ORDER BY event",
      [.integer(room.id), .integer(room.lastEvent)]
    ).compactMap(RoomChange.init)
  }
}
