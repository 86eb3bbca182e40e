import ChatRooms
import Drivers

/// Compares the documents of one room with what the database knows of it.
struct RoomDocuments {
  let room: VerifiedRoom
  let numbering: RoomNumbering
  let database: any SQLDatabase
  let client: ElasticsearchClient
  let names: IndexNames
  let isRepairing: Bool

  static let whyExtraStays =
    "the database was put back, or the index is shared with another installation: neither is for this command to decide"
  private static let timeout: Duration = .seconds(60)

  /// Findings of a block of messages, rising.
  func verify(_ seqs: ClosedRange<Int64>) async throws -> [Finding] {
    let kept = try await journal(seqs)
    let indexed = try await search(seqs)
    let suspects = seqs.filter { ExpectedState($0, numbering, kept[$0]?.message).flaw(of: indexed[$0]) != nil }
    guard !suspects.isEmpty else { return [] }
    return Finding.grouped(try await examine(suspects, within: seqs))
  }

  /// What the database knows of a message, as far as it was not trimmed: its newest row.
  private func journal(_ seqs: ClosedRange<Int64>) async throws -> [Int64: RoomEvent] {
    let rows = try await database.query(
      "SELECT \(JournalTable.columns) FROM journal WHERE room_id = ? AND seq BETWEEN ? AND ? ORDER BY seq, event",
      [.integer(room.id), .integer(seqs.lowerBound), .integer(seqs.upperBound)])
    var newest: [Int64: RoomEvent] = [:]
    for row in rows {
      let event = try JournalTable.event(row)
      newest[event.message.seq] = event
    }
    return newest
  }

  private func search(_ seqs: ClosedRange<Int64>) async throws -> [Int64: IndexedState] {
    let range = #"{"range":{"seq":{"gte":\#(seqs.lowerBound),"lte":\#(seqs.upperBound)}}}"#
    let hits = try await hits(where: range, size: seqs.count, order: "asc")
    return Dictionary(hits.map { ($0["seq"]?.integer ?? 0, IndexedState($0)) }) { first, _ in first }
  }

  private func hits(where condition: String, size: Int, order: String) async throws -> [JSONValue] {
    let body =
      #"{"size":\#(size),"track_total_hits":false,"sort":[{"seq":"\#(order)"}],"query":{"bool":{"filter":["#
      + #"{"term":{"room.key":"\#(room.id)"}},\#(condition)]}}}"#
    let reply = try await client.search(
      in: names.read, "routing=\(room.routing.percentEncoded)&allow_partial_search_results=false",
      body: Array(body.utf8), timeout: Self.timeout)
    guard reply["timed_out"]?.boolean == false, try ShardCounts(reply["_shards"]).failed == 0 else {
      throw UnexpectedReply(expected: "all shards in time")
    }
    return (reply["hits"]?["hits"]?.array ?? []).compactMap { $0["_source"] }
  }

  /// A closer look. The lane's cursor is read before the changes, these before the journal, and that before the index:
  /// whatever lies before the cursor is in the index then, and every change that is known is before the cursor or in the
  /// journal.
  private func examine(_ suspects: [Int64], within seqs: ClosedRange<Int64>) async throws -> [Finding] {
    let cursor =
      try await database.query(
        "SELECT indexed FROM journal_lanes WHERE lane = ?", [.integer(room.lane)]
      ).first?.integer(0) ?? 0
    var room = room
    (room.lastEvent, room.lastSeq) = try await VerifiedRoom.counters(of: room.id, in: database)
    let current = RoomNumbering(
      lastEvent: room.lastEvent, lastSeq: room.lastSeq,
      changes: try await VerifiedRoom.changes(of: room, in: database))
    let kept = try await journal(seqs)
    let ids = suspects.map { (id: MessageDocument.id(room: room.id, seq: $0), routing: room.routing) }
    let documents = try await client.documents(in: names.read, ids: ids, timeout: Self.timeout)
    var findings: [Finding] = []
    for (seq, document) in zip(suspects, documents) {
      let event = kept[seq]
      // On its way: the indexer will write it.
      if let event, event.position > cursor { continue }
      let state = document.map(IndexedState.init)
      let expected = ExpectedState(seq, current, event?.message)
      guard let flaw = expected.flaw(of: state) else { continue }
      let repair = try await repair(seq, event, state, current)
      findings.append(Finding(flaw.kind, room: room.id, seq...seq, flaw.detail, repair: repair))
    }
    return findings
  }

  // MARK: Repair

  private func repair(
    _ seq: Int64, _ event: RoomEvent?, _ state: IndexedState?, _ numbering: RoomNumbering
  ) async throws -> Finding.Repair {
    guard isRepairing else { return .untried }
    if let event { return try await write(event) }
    guard let deletion = numbering.revision(of: seq), deletion.isDeletion, let message = state?.message else {
      return .impossible("its row was already trimmed from the journal")
    }
    // All that must be known of a deletion is the list of changes' and the document's own.
    return try await write(
      RoomEvent(
        kind: .deletion, event: deletion.event, lastSeq: room.lastSeq,
        message: message.tombstone(revised: deletion.event), timestamp: message.timestamp, lane: Int(room.lane),
        position: 0, routing: room.routing, roomKind: room.kind, nonce: 0))
  }

  /// A later state in the index is never replaced.
  private func write(_ event: RoomEvent) async throws -> Finding.Repair {
    for isTextIndexed in [true, false] {
      var writer = JSONWriter()
      MessageDocument.appendBulkLines(
        of: event, isTextIndexed: isTextIndexed, versioning: .externalOrEqual, to: &writer)
      let reply = try await client.bulk(into: names.write, body: writer.bytes, timeout: Self.timeout)
      switch BulkReply(reply, count: 1) {
      case .items(let items):
        switch items.first {
        case .done: return .done
        case .conflict: return .impossible("the index has a later version than the database knows of")
        case .refused(let error): if !isTextIndexed { return .impossible(error.description) }
        case .again(let reason): throw IndexRefusal(reason)
        case .blocked(let error): throw IndexRefusal(error.description)
        case nil: throw UnexpectedReply(expected: "an item")
        }
      case .again(let reason): throw IndexRefusal(reason)
      case .split(let error), .blocked(let error): throw IndexRefusal(error.description)
      }
    }
    return .untried
  }

  // MARK: What the database does not know

  /// The index is asked first: what it has that was committed, the counters have when they are read afterwards.
  func beyond() async throws -> [Finding] {
    let documents = try await hits(
      where: #"{"range":{"seq":{"gt":\#(room.lastSeq)}}}"#, size: HistoryLimits.block, order: "desc")
    guard !documents.isEmpty else { return [] }
    let now = try await VerifiedRoom.counters(of: room.id, in: database)
    let seqs = documents.compactMap { $0["seq"]?.integer }.filter { $0 > now.lastSeq }.sorted()
    return Finding.grouped(
      seqs.map {
        Finding(
          .extra, room: room.id, $0...$0, "the index has messages beyond the room's newest",
          repair: isRepairing ? .impossible(Self.whyExtraStays) : .untried)
      })
  }
}
