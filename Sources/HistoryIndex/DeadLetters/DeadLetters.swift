import ChatRooms
import Drivers

/// The table of what the index refused. Safe beside running servers: a letter is removed only as it was read, so that one
/// which an indexer has put down anew meanwhile stays.
public struct DeadLetters: Sendable {
  /// Which letters.
  public enum Selection: Sendable, Equatable {
    case all
    case room(RoomID)
    case ids([BuriedLetter.ID])
  }

  private let database: any SQLDatabase

  public init(_ database: any SQLDatabase) { self.database = database }

  /// A page, in the order of ids.
  ///
  /// - Parameter last: the end of the page before; `nil` for the first.
  public func page(of selection: Selection, after last: BuriedLetter.ID?, limit: Int) async throws -> [BuriedLetter] {
    switch selection {
    case .all: return try await letters(after: last, "", [], limit)
    case .room(let room): return try await letters(after: last, " AND d.room_id = ?", [.integer(room)], limit)
    case .ids(let ids):
      let next = Set(ids).filter { id in last.map { id.isBehind($0) } ?? true }.sorted { $1.isBehind($0) }
      var found: [BuriedLetter] = []
      for id in next where found.count < limit {
        found += try await letters(
          after: nil, " AND d.lane = ? AND d.position = ?", [.integer(Int64(id.lane)), .integer(id.position)], 1)
      }
      return found
    }
  }

  private func letters(
    after last: BuriedLetter.ID?, _ condition: String, _ parameters: [SQLValue], _ limit: Int
  ) async throws -> [BuriedLetter] {
    let lane = SQLValue.integer(Int64(last?.lane ?? -1))
    // The event's routing; of one that was trimmed, the room's.
    return try await database.query(
      """
      SELECT d.lane, d.position, d.room_id, d.seq, d.reason, d.document, d.created_at, \
      COALESCE(j.routing, r.routing, '') FROM dead_letters d \
      LEFT JOIN journal j ON j.lane = d.lane AND j.position = d.position LEFT JOIN rooms r ON r.id = d.room_id \
      WHERE (d.lane > ? OR (d.lane = ? AND d.position > ?))\(condition) ORDER BY d.lane, d.position LIMIT ?
      """, [lane, lane, .integer(last?.position ?? 0)] + parameters + [.integer(Int64(limit))]
    ).map(Self.letter)
  }

  private static func letter(_ row: SQLRow) -> BuriedLetter {
    let letter = DeadLetter(
      lane: Int(row.integer(0) ?? 0), position: row.integer(1) ?? 0, room: row.integer(2) ?? 0,
      seq: row.integer(3) ?? 0, reason: row.text(4) ?? "", document: row.text(5) ?? "")
    return BuriedLetter(letter: letter, buriedAt: row.integer(6) ?? 0, routing: row.text(7) ?? "")
  }

  /// - Returns: false if it was gone, or another by now.
  public func remove(_ buried: BuriedLetter) async throws -> Bool {
    let letter = buried.letter
    return try await database.execute(
      "DELETE FROM dead_letters WHERE lane = ? AND position = ? AND document = ?",
      [.integer(Int64(letter.lane)), .integer(letter.position), .text(letter.document)]
    ).affectedRows > 0
  }
}

extension BuriedLetter.ID {
  fileprivate func isBehind(_ other: Self) -> Bool { (lane, position) > (other.lane, other.position) }
}
