import ChatRooms
import Drivers

/// Rooms as an erasure needs them, deleted ones too.
struct TracedRooms {
  static let columns = "r.id, r.kind, r.lane, r.routing"

  private let database: any SQLDatabase
  private var known: [RoomID: Room] = [:]

  init(_ database: any SQLDatabase) { self.database = database }

  /// Reads `columns`, beginning at a column.
  static func room(_ row: SQLRow, at first: Int) -> Room {
    Room(
      id: row.integer(first) ?? 0, name: nil, topic: nil,
      kind: row.integer(first + 1).flatMap(UInt8.init(exactly:)).flatMap(Room.Kind.init) ?? .private,
      lane: Int(row.integer(first + 2) ?? 0), routing: row.text(first + 3) ?? "", createdAt: 0)
  }

  /// `nil` for a room that this installation never had.
  mutating func room(_ id: RoomID) async throws -> Room? {
    if let room = known[id] { return room }
    let rows = try await database.query("SELECT \(Self.columns) FROM rooms r WHERE r.id = ?", [.integer(id)])
    known[id] = rows.first.map { Self.room($0, at: 0) }
    return known[id]
  }
}

/// What both databases keep beside messages.
struct ErasureRemains {
  static let importing = "an import that was begun before has not ended"
  /// What servers' clocks may differ by.
  private static let clockDifference: Milliseconds = 60_000

  private let database: any SQLDatabase

  init(_ database: any SQLDatabase) { self.database = database }

  /// Whether an import that may have taken the user for one who is there goes on writing.
  func isImporting(since erasure: Erasure) async throws -> Bool {
    try await !database.query(
      """
      SELECT 1 FROM imports i JOIN room_positions p ON p.import_id = i.id \
      WHERE i.finished_at IS NULL AND i.started_at <= ? LIMIT 1
      """, [.integer(erasure.requestedAt + Self.clockDifference)]
    ).isEmpty
  }
}
