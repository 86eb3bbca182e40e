import ChatRooms
import Drivers

/// Looks at the journal lane by lane: its positions are dense, and each change in it is in the list of changes.
struct LaneVerifier {
  let database: any SQLDatabase
  let isRepairing: Bool

  private static let page: Int64 = 10_000
  /// A rewind passes over so many positions of every lane.
  static let jump: Int64 = 100_000

  /// - Parameter found: takes the findings.
  func run(_ found: (Finding) -> Void) async throws {
    // The heads are fixed first: what comes later is not looked at.
    let lanes = try await database.query("SELECT lane, head, trimmed FROM journal_lanes ORDER BY lane")
    for row in lanes {
      guard let lane = row.integer(0), let head = row.integer(1), let trimmed = row.integer(2) else { continue }
      try await verify(lane, after: trimmed, through: head, found)
      for finding in try await missingChanges(lane, through: head) { found(finding) }
    }
  }

  private func verify(
    _ lane: Int64, after trimmed: Int64, through head: Int64, _ found: (Finding) -> Void
  ) async throws {
    var last = trimmed
    while last < head {
      let rows = try await database.query(
        "SELECT position FROM journal WHERE lane = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?",
        [.integer(lane), .integer(last), .integer(head), .integer(Self.page)])
      for position in rows.compactMap({ $0.integer(0) }) {
        if position > last + 1 { try await report(lane, last + 1...position - 1, found) }
        last = position
      }
      guard rows.count < Int(Self.page) else { continue }
      if last < head { try await report(lane, last + 1...head, found) }
      return
    }
  }

  /// What was trimmed meanwhile is no hole, nor is what a rewind passed over.
  private func report(_ lane: Int64, _ hole: ClosedRange<Int64>, _ found: (Finding) -> Void) async throws {
    guard Int64(hole.count) < Self.jump else { return }
    let trimmed =
      try await database.query("SELECT trimmed FROM journal_lanes WHERE lane = ?", [.integer(lane)])
      .first?.integer(0) ?? 0
    guard hole.upperBound > trimmed else { return }
    found(
      Finding(
        .journalHole, lane: Int(lane), max(hole.lowerBound, trimmed + 1)...hole.upperBound,
        "the journal has no rows of these positions",
        repair: isRepairing ? .impossible("no other table holds events") : .untried))
  }

  /// Both tables are written in one transaction and read in one statement, so that a writer causes no false alarm.
  private func missingChanges(_ lane: Int64, through head: Int64) async throws -> [Finding] {
    let rows = try await database.query(
      """
      SELECT j.room_id, j.event, j.seq, j.kind, j.last_seq FROM journal j \
      LEFT JOIN room_changes c ON c.room_id = j.room_id AND c.event = j.event \
      WHERE j.lane = ? AND j.position <= ? AND j.kind <> 1 AND c.event IS NULL
      """, [.integer(lane), .integer(head)])
    var findings: [Finding] = []
    for row in rows {
      guard let room = row.integer(0), let event = row.integer(1) else { continue }
      if isRepairing {
        try await database.execute(
          "INSERT IGNORE INTO room_changes (room_id, event, seq, kind, last_seq) VALUES (?, ?, ?, ?, ?)", row.values)
      }
      findings.append(
        Finding(
          .changes, room: room, event...event, "the journal has a change that the list of changes does not have",
          repair: isRepairing ? .done : .untried))
    }
    return findings
  }
}
