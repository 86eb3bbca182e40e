import ChatRooms
import Drivers

/// Leases in the table `lane_leases`. Times are MySQL's; a lease's number fences off whoever held it before.
public final class MySQLLaneLeases: LaneLeases {
  private let database: any SQLDatabase

  /// Rows that one call of `trim` deletes at most: some tens of milliseconds of locks and log.
  public static let trimmedAtOnce: Int64 = 5_000

  public init(_ database: any SQLDatabase) { self.database = database }

  public func acquire(owner: String, seconds: Int) async throws -> [LaneLease] {
    try await database.withTransaction { connection in
      let held = try Self.holdings(connection)
      let assignment = LeaseAssignment(held, for: owner)
      try Self.renew(owner, seconds, connection)
      for lane in assignment.taken { try Self.take(lane, owner, seconds, connection) }
      return try Self.leases(of: owner, connection)
    }
  }

  public func seize(owner: String, seconds: Int) async throws -> [LaneLease] {
    try await database.withTransaction { connection in
      for holding in try Self.holdings(connection) { try Self.take(holding.lane, owner, seconds, connection) }
      return try Self.leases(of: owner, connection)
    }
  }

  public func advance(_ lease: LaneLease, to indexed: Int64) async throws {
    // One statement, so that the lane's row is locked for as short as can be. Should the lease be taken over between
    // the look at it and the update, nothing is lost: what is indexed stays indexed.
    let result = try await database.execute(
      """
      UPDATE journal_lanes SET indexed = GREATEST(indexed, LEAST(head, ?)) \
      WHERE lane = ? AND EXISTS (SELECT 1 FROM lane_leases WHERE lane = ? AND number = ?)
      """, [.integer(indexed), .integer(Int64(lease.lane)), .integer(Int64(lease.lane)), .integer(lease.number)])
    guard result.affectedRows == 1 else { throw LeaseLost() }
  }

  public func release(owner: String) async throws {
    // The number rises here too: what is still under way under the old one is refused.
    try await database.execute(
      "UPDATE lane_leases SET owner = NULL, expires_at = NULL, number = number + 1 WHERE owner = ?", [.text(owner)])
  }

  public func bury(_ letters: [DeadLetter], under lease: LaneLease) async throws {
    try await database.withTransaction { connection in
      try Self.check(lease, connection)
      for letter in letters { try Self.bury(letter, connection) }
    }
  }

  public func trim(_ lease: LaneLease, keep: Milliseconds) async throws -> Int {
    try await database.withTransaction { connection in
      try Self.check(lease, connection)
      guard let range = try Self.trimmableRange(lease, keep, connection) else { return 0 }
      let bounds = [SQLValue.integer(Int64(lease.lane)), .integer(range.lowerBound), .integer(range.upperBound)]
      let deleted = try connection.execute(
        "DELETE FROM journal WHERE lane = ? AND position BETWEEN ? AND ?", bounds)
      // Last, because it locks the lane's row.
      try connection.execute(
        "UPDATE journal_lanes SET trimmed = GREATEST(trimmed, ?) WHERE lane = ?", [bounds[2], bounds[0]])
      return Int(deleted.affectedRows)
    }
  }
}

extension MySQLLaneLeases {
  /// Locks all leases, so that one owner at a time decides.
  private static func holdings(_ connection: any SQLConnection) throws -> [LaneHolding] {
    try connection.query("SELECT lane, owner, expires_at > NOW(3) FROM lane_leases ORDER BY lane FOR UPDATE").map {
      row in
      LaneHolding(lane: Int(row.integer(0) ?? 0), owner: row.text(1), isLive: row.integer(2) == 1)
    }
  }

  private static func renew(_ owner: String, _ seconds: Int, _ connection: any SQLConnection) throws {
    try connection.execute(
      "UPDATE lane_leases SET expires_at = NOW(3) + INTERVAL ? SECOND WHERE owner = ?",
      [.integer(Int64(seconds)), .text(owner)])
  }

  private static func take(_ lane: Int, _ owner: String, _ seconds: Int, _ connection: any SQLConnection) throws {
    try connection.execute(
      "UPDATE lane_leases SET owner = ?, number = number + 1, expires_at = NOW(3) + INTERVAL ? SECOND WHERE lane = ?",
      [.text(owner), .integer(Int64(seconds)), .integer(Int64(lane))])
  }

  private static func leases(of owner: String, _ connection: any SQLConnection) throws -> [LaneLease] {
    try connection.query(
      """
      SELECT l.lane, l.number, j.indexed FROM lane_leases l JOIN journal_lanes j ON j.lane = l.lane \
      WHERE l.owner = ? ORDER BY l.lane
      """, [.text(owner)]
    ).map { row in
      LaneLease(lane: Int(row.integer(0) ?? 0), number: row.integer(1) ?? 0, indexed: row.integer(2) ?? 0)
    }
  }

  private static func check(_ lease: LaneLease, _ connection: any SQLConnection) throws {
    let rows = try connection.query("SELECT number FROM lane_leases WHERE lane = ?", [.integer(Int64(lease.lane))])
    guard rows.first?.integer(0) == lease.number else { throw LeaseLost() }
  }

  private static func bury(_ letter: DeadLetter, _ connection: any SQLConnection) throws {
    try connection.execute(
      """
      INSERT INTO dead_letters (lane, position, room_id, seq, reason, document, created_at) \
      VALUES (?, ?, ?, ?, ?, ?, FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000)) \
      ON DUPLICATE KEY UPDATE reason = VALUES(reason), document = VALUES(document)
      """,
      [
        .integer(Int64(letter.lane)), .integer(letter.position), .integer(letter.room), .integer(letter.seq),
        .text(letter.reason), .text(letter.document),
      ])
  }

  /// Positions from the first that is still there up to the last that is old enough and was indexed when the lease was
  /// taken down, as far as one call goes; `nil` for none. What was indexed since may not be refreshed yet.
  private static func trimmableRange(
    _ lease: LaneLease, _ keep: Milliseconds, _ connection: any SQLConnection
  ) throws -> ClosedRange<Int64>? {
    let lane = lease.lane
    let rows = try connection.query(
      "SELECT trimmed, indexed FROM journal_lanes WHERE lane = ?", [.integer(Int64(lane))])
    guard let trimmed = rows.first?.integer(0), let indexed = rows.first?.integer(1).map({ min($0, lease.indexed) }),
      trimmed < indexed
    else { return nil }
    let last = min(indexed, trimmed &+ trimmedAtOnce)
    let young = try connection.query(
      """
      SELECT position FROM journal WHERE lane = ? AND position > ? AND position <= ? \
      AND happened_at > FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) - ? ORDER BY position LIMIT 1
      """, [.integer(Int64(lane)), .integer(trimmed), .integer(last), .integer(keep)])
    let end = young.first?.integer(0).map { $0 &- 1 } ?? last
    return end > trimmed ? trimmed &+ 1...end : nil
  }
}
