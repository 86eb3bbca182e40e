import ChatRooms
import Drivers

/// Compares journal, counters, list of changes and index, while servers go on writing.
///
/// Everything is compared up to a position that is read first. What seems wrong is looked at again, more closely: the
/// lane's cursor first, then the journal, then the document as it is at that moment. So what is only on its way is no
/// finding.
public struct StackVerifier: Sendable {
  private let database: any SQLDatabase
  private let client: ElasticsearchClient
  private let names: IndexNames
  private let isRepairing: Bool

  public init(database: any SQLDatabase, client: ElasticsearchClient, names: IndexNames, isRepairing: Bool) {
    self.database = database
    self.client = client
    self.names = names
    self.isRepairing = isRepairing
  }

  /// - Parameters:
  ///   - only: this room alone; then neither the journal's lanes nor unknown rooms are looked at.
  ///   - report: takes findings as they are made.
  /// - Throws: where a back end does not answer; what was not looked at is not known then.
  public func run(only: RoomID?, _ report: (VerifyReport) -> Void) async throws -> VerifySummary {
    var summary = VerifySummary()
    if only == nil {
      try await LaneVerifier(database: database, isRepairing: isRepairing).run { finding in
        summary.count(finding)
        report(.finding(finding))
      }
    }
    _ = try await client.refresh(names.write)
    let total = try await messageCount(only)
    var last = (only ?? 1) - 1
    while true {
      let page = try await VerifiedRoom.page(after: last, of: database)
      for room in page where only == nil || room.id == only {
        try await verify(room, of: total, &summary, report)
      }
      guard only == nil, let end = page.last else { break }
      last = end.id
    }
    if only == nil { for finding in try await unknownRooms() { note(finding, &summary, report) } }
    return summary
  }

  private func note(_ finding: Finding, _ summary: inout VerifySummary, _ report: (VerifyReport) -> Void) {
    summary.count(finding)
    report(.finding(finding))
  }

  private func messageCount(_ only: RoomID?) async throws -> Int64 {
    let condition = only.map { " WHERE room_id = \($0)" } ?? ""
    return try await database.withReader {
      try $0.query("SELECT CAST(SUM(last_seq) AS SIGNED) FROM room_positions" + condition)
    }.first?.integer(0) ?? 0
  }

  private func verify(
    _ room: VerifiedRoom, of total: Int64, _ summary: inout VerifySummary, _ report: (VerifyReport) -> Void
  ) async throws {
    guard !room.isImporting else {
      summary.importing += 1
      return
    }
    var room = room
    summary.rooms += 1
    if let finding = try await counters(&room) { note(finding, &summary, report) }
    let numbering = RoomNumbering(
      lastEvent: room.lastEvent, lastSeq: room.lastSeq,
      changes: try await VerifiedRoom.changes(of: room, in: database))
    if let flaw = numbering.flaw {
      let why = "the journal no longer has these events"
      note(
        Finding(
          .changes, room: room.id, flaw.events, flaw.detail, repair: isRepairing ? .impossible(why) : .untried),
        &summary, report)
    }
    let documents = RoomDocuments(
      room: room, numbering: numbering, database: database, client: client, names: names, isRepairing: isRepairing)
    for first in stride(from: Int64(1), through: room.lastSeq, by: HistoryLimits.block) {
      let block = first...min(room.lastSeq, first + Int64(HistoryLimits.block) - 1)
      for finding in try await documents.verify(block) { note(finding, &summary, report) }
      summary.messages += Int64(block.count)
      report(.progress(done: summary.messages, of: max(total, summary.messages)))
    }
    for finding in try await documents.beyond() { note(finding, &summary, report) }
  }

  /// The journal is read before the counters, so that these can only be ahead.
  private func counters(_ room: inout VerifiedRoom) async throws -> Finding? {
    let row = try await database.query(
      "SELECT MAX(event), MAX(seq) FROM journal WHERE room_id = ?", [.integer(room.id)]
    ).first
    guard let event = row?.integer(0), let seq = row?.integer(1), event > room.lastEvent || seq > room.lastSeq else {
      return nil
    }
    let now = try await VerifiedRoom.counters(of: room.id, in: database)
    (room.lastEvent, room.lastSeq) = now
    guard event > now.lastEvent || seq > now.lastSeq else { return nil }
    if isRepairing {
      try await VerifiedRoom.raise(room.id, event: event, seq: seq, in: database)
      (room.lastEvent, room.lastSeq) = try await VerifiedRoom.counters(of: room.id, in: database)
    }
    return Finding(
      .counters, room: room.id, nil,
      "the counters say event \(now.lastEvent) and message \(now.lastSeq); the journal has \(event) and \(seq)",
      repair: isRepairing ? .done : .untried)
  }

  /// Rooms of documents, asked for before the table of rooms.
  private func unknownRooms() async throws -> [Finding] {
    var findings: [Finding] = []
    var after: Int64?
    while true {
      let page = after.map { #","after":{"room":\#($0)}"# } ?? ""
      let body =
        #"{"size":0,"aggs":{"rooms":{"composite":{"size":1000,"sources":[{"room":{"terms":{"field":"room"}}}]"#
        + page + "}}}}"
      let reply = try await client.search(
        in: names.read, "allow_partial_search_results=false", body: Array(body.utf8), timeout: .seconds(60))
      let buckets = reply["aggregations"]?["rooms"]?["buckets"]?.array ?? []
      for bucket in buckets {
        guard let room = bucket["key"]?["room"]?.integer else { continue }
        after = room
        guard try await database.query("SELECT 1 FROM rooms WHERE id = ?", [.integer(room)]).isEmpty else { continue }
        findings.append(
          Finding(
            .extra, room: room, nil, "\(bucket["doc_count"]?.integer ?? 0) documents of a room that the database lacks",
            repair: isRepairing ? .impossible(RoomDocuments.whyExtraStays) : .untried))
      }
      guard !buckets.isEmpty else { return findings }
    }
  }
}
