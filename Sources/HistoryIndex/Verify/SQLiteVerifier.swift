import ChatRooms
import Drivers

/// Compares the embedded profile's messages with its counters, its list of changes and its index of words. For a
/// database that nobody writes.
public struct SQLiteVerifier: Sendable {
  private let database: SQLiteDatabase
  private let isRepairing: Bool
  private static let page: Int64 = 10_000

  public init(database: SQLiteDatabase, isRepairing: Bool) {
    self.database = database
    self.isRepairing = isRepairing
  }

  /// - Parameters:
  ///   - only: this room alone; then the file and the index of words are not looked at.
  ///   - report: takes findings as they are made.
  public func run(only: RoomID?, _ report: (VerifyReport) -> Void) async throws -> VerifySummary {
    var summary = VerifySummary()
    func note(_ finding: Finding) {
      summary.count(finding)
      report(.finding(finding))
    }
    if only == nil { for finding in try await storage() { note(finding) } }
    let total = try await database.query("SELECT SUM(last_seq) FROM room_positions").first?.integer(0) ?? 0
    var last = (only ?? 1) - 1
    while true {
      let page = try await VerifiedRoom.page(after: last, of: database)
      for room in page where only == nil || room.id == only {
        guard !room.isImporting else {
          summary.importing += 1
          continue
        }
        for finding in try await verify(room) { note(finding) }
        summary.rooms += 1
        summary.messages += room.lastSeq
        report(.progress(done: summary.messages, of: max(total, summary.messages)))
      }
      guard only == nil, let end = page.last else { break }
      last = end.id
    }
    if only == nil, let finding = try await words() { note(finding) }
    return summary
  }

  private func storage() async throws -> [Finding] {
    let rows = try await database.query("PRAGMA integrity_check(100)")
    return rows.compactMap { $0.text(0) }.filter { $0 != "ok" }.map {
      Finding(
        .storage, nil, $0, repair: isRepairing ? .impossible("restore a copy, or try sqlite3's .recover") : .untried)
    }
  }

  // MARK: Rooms

  private func verify(_ room: VerifiedRoom) async throws -> [Finding] {
    var room = room
    var findings: [Finding] = []
    if let finding = try await counters(&room) { findings.append(finding) }
    let numbering = RoomNumbering(
      lastEvent: room.lastEvent, lastSeq: room.lastSeq,
      changes: try await VerifiedRoom.changes(of: room, in: database))
    if let flaw = numbering.flaw {
      findings.append(
        Finding(.changes, room: room.id, flaw.events, flaw.detail, repair: lost("no other table holds events")))
    }
    return findings + Finding.grouped(try await messages(of: room, numbering))
  }

  private func lost(_ why: String) -> Finding.Repair { isRepairing ? .impossible(why) : .untried }

  private func counters(_ room: inout VerifiedRoom) async throws -> Finding? {
    let row = try await database.query(
      """
      SELECT COALESCE(MAX(revised), 0), COALESCE(MAX(seq), 0), \
      (SELECT COALESCE(MAX(event), 0) FROM room_changes WHERE room_id = ?) FROM messages WHERE room_id = ?
      """, [.integer(room.id), .integer(room.id)]
    ).first
    let event = max(row?.integer(0) ?? 0, row?.integer(2) ?? 0)
    let seq = row?.integer(1) ?? 0
    guard event > room.lastEvent || seq > room.lastSeq else { return nil }
    let detail =
      "the counters say event \(room.lastEvent) and message \(room.lastSeq); there are \(event) and \(seq)"
    if isRepairing {
      try await VerifiedRoom.raise(room.id, event: event, seq: seq, in: database)
      (room.lastEvent, room.lastSeq) = try await VerifiedRoom.counters(of: room.id, in: database)
    }
    return Finding(.counters, room: room.id, nil, detail, repair: isRepairing ? .done : .untried)
  }

  private func messages(of room: VerifiedRoom, _ numbering: RoomNumbering) async throws -> [Finding] {
    var findings: [Finding] = []
    var last: Int64 = 0
    func missing(_ seqs: ClosedRange<Int64>) {
      findings.append(
        Finding(
          .missing, room: room.id, seqs, "there are no such messages",
          repair: lost("nothing else holds messages here: restore a copy")))
    }
    while last < room.lastSeq {
      let rows = try await database.query(
        """
        SELECT seq, event, revised, is_deleted FROM messages WHERE room_id = ? AND seq > ? AND seq <= ? \
        ORDER BY seq LIMIT ?
        """, [.integer(room.id), .integer(last), .integer(room.lastSeq), .integer(Self.page)])
      for row in rows {
        guard let seq = row.integer(0) else { continue }
        if seq > last + 1 { missing(last + 1...seq - 1) }
        if let detail = Self.flaw(row, seq, numbering) {
          let why = "which of the two is right cannot be told"
          findings.append(Finding(.different, room: room.id, seq...seq, detail, repair: lost(why)))
        }
        last = seq
      }
      guard rows.count == Int(Self.page) else { break }
    }
    if last < room.lastSeq { missing(last + 1...room.lastSeq) }
    return findings
  }

  private static func flaw(_ row: SQLRow, _ seq: Int64, _ numbering: RoomNumbering) -> String? {
    guard let event = row.integer(1), let revised = row.integer(2) else { return "their numbers cannot be read" }
    if let expected = numbering.event(of: seq), expected != event { return "their event is another's" }
    let revision = numbering.revision(of: seq)
    if revised != revision?.event ?? event { return "they and the list of changes disagree on the last change" }
    if (row.integer(3) != 0) != (revision?.isDeletion ?? false) {
      return "they and the list of changes disagree on whether they are deleted"
    }
    return nil
  }

  // MARK: Words

  private func words() async throws -> Finding? {
    guard let detail = try await wordsFlaw() else { return nil }
    guard isRepairing else { return Finding(.words, nil, detail) }
    try await MessageWordsUpkeep.rebuild(database)
    let left = try await wordsFlaw()
    return Finding(.words, nil, detail, repair: left.map { .impossible("made anew, and still \($0)") } ?? .done)
  }

  private func wordsFlaw() async throws -> String? {
    do {
      return try await database.withConnection { try MessageWordsCheck.flaw($0) }
    } catch let error as SQLError where error.kind == .other {
      return "it cannot be read: \(error)"
    }
  }
}
