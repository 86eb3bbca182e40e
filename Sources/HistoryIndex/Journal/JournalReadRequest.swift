import ChatRooms
import Drivers

/// One request that begins the journal's transaction, locks a batch's lanes, and reads all that `LaneBatch` needs.
///
/// Under READ COMMITTED each SELECT sees what is committed when it begins. The first holds the lanes when it returns,
/// so that the later ones see everything that earlier owners of these locks have committed.
struct JournalReadRequest {
  private(set) var sql = MySQLText(capacity: 4_096)
  private var parts: [Part] = []

  /// What the rows of each reply are.
  private enum Part {
    case begin, heads, rooms, sent, erased, changes, changed, past, members
  }

  init(_ batch: [Submission]) {
    add(.begin) { $0.append("START TRANSACTION") }
    addHeads(Set(batch.map(\.room.lane)).sorted())
    addRooms(Set(batch.map(\.room.id)).sorted())
    addSent(batch.filter(\.isSend))
    addErased(Set(batch.flatMap(\.authors)).sorted())
    let targets = batch.filter { !$0.isSend }
    guard !targets.isEmpty else { return }
    addChanges(targets.compactMap(\.base))
    addChanged(targets.filter { $0.base != nil && !$0.isRefMinted })
    addPast(targets)
    addMembers(targets)
  }

  private mutating func add(_ part: Part, _ write: (inout MySQLText) -> Void) {
    if !parts.isEmpty { sql.append("; ") }
    parts.append(part)
    write(&sql)
  }

  /// A lane that another transaction has locked is left out, instead of waited for. The index is forced because a scan
  /// of so small a table would touch the other lanes, too.
  private mutating func addHeads(_ lanes: [Int]) {
    add(.heads) {
      $0.append("SELECT lane, head FROM journal_lanes FORCE INDEX (PRIMARY) WHERE lane IN (")
      $0.append(list: lanes) { $0.append(Int64($1)) }
      $0.append(") FOR UPDATE SKIP LOCKED")
    }
  }

  private mutating func addRooms(_ rooms: [RoomID]) {
    add(.rooms) {
      $0.append("SELECT room_id, last_event, last_seq, last_message_at, is_closed, import_id FROM room_positions")
      $0.append(" WHERE room_id IN (")
      $0.append(list: rooms) { $0.append($1) }
      $0.append(")")
    }
  }

  /// The refs come as one literal and are looked up one by one in the index: the server's parser and its range optimizer
  /// take several times as long over a list of as many.
  private mutating func addSent(_ sends: [Submission]) {
    guard !sends.isEmpty else { return }
    var refs = JSONWriter(capacity: 48 * sends.count)
    refs.array { for submission in sends { $0.value(ref: submission) } }
    add(.sent) {
      Self.select(from: " FROM JSON_TABLE(", &$0)
      $0.append(quoted: refs.bytes)
      $0.append(
        """
        , '$[*]' COLUMNS (asked_room BIGINT PATH '$[0]' ERROR ON EMPTY ERROR ON ERROR, \
        asked_user BIGINT PATH '$[1]' ERROR ON EMPTY ERROR ON ERROR, \
        asked_ref VARCHAR(64) CHARACTER SET binary PATH '$[2]' ERROR ON EMPTY ERROR ON ERROR)) AS asked \
        STRAIGHT_JOIN journal FORCE INDEX (journal_by_ref) \
        ON room_id = asked_room AND user_id = asked_user AND ref = asked_ref WHERE kind = 1
        """)
    }
  }

  private mutating func addErased(_ authors: [UserID]) {
    guard !authors.isEmpty else { return }
    add(.erased) {
      $0.append("SELECT user_id, mode FROM erasures WHERE user_id IN (")
      $0.append(list: authors) { $0.append($1) }
      $0.append(")")
    }
  }

  private mutating func addChanges(_ bases: [Message]) {
    guard !bases.isEmpty else { return }
    add(.changes) {
      $0.append("SELECT room_id, seq, event, kind, last_seq FROM room_changes WHERE ")
      $0.append(alternatives: bases) { Self.appendSince($1, to: &$0) }
      $0.append(" ORDER BY room_id, seq, event")
    }
  }

  private mutating func addChanged(_ changes: [Submission]) {
    guard !changes.isEmpty else { return }
    add(.changed) {
      $0.append("SELECT ")
      $0.append(trusted: ChangeRef.columns)
      $0.append(" FROM change_refs WHERE (room_id, user_id, ref) IN (")
      $0.append(list: changes) { $0.append(ref: $1) }
      $0.append(")")
    }
  }

  private mutating func addPast(_ targets: [Submission]) {
    add(.past) {
      Self.select(from: " FROM journal WHERE ", &$0)
      $0.append(alternatives: targets) { sql, submission in
        if let base = submission.base { return Self.appendSince(base, to: &sql) }
        sql.append("(seq = 0 AND room_id = ")
        sql.append(submission.room.id)
        sql.append(")")
      }
    }
  }

  private mutating func addMembers(_ targets: [Submission]) {
    let keys = targets.compactMap(\.endedMembership)
    guard !keys.isEmpty else { return }
    add(.members) {
      $0.append("SELECT room_id, user_id FROM members WHERE (room_id, user_id) IN (")
      $0.append(list: keys) { $0.append($1) }
      $0.append(")")
    }
  }

  private static func select(from clause: StaticString, _ sql: inout MySQLText) {
    sql.append("SELECT ")
    sql.append(trusted: JournalTable.columns)
    sql.append(clause)
  }

  /// What happened to a message from the state on in which the caller found it.
  private static func appendSince(_ base: Message, to sql: inout MySQLText) {
    sql.append("(room_id = ")
    sql.append(base.room)
    sql.append(" AND seq = ")
    sql.append(base.seq)
    sql.append(" AND event >= ")
    sql.append(base.revised)
    sql.append(")")
  }

  /// - Parameter replies: the rows of each statement.
  func readings(_ replies: [[SQLRow]]) throws -> LaneReadings {
    guard replies.count == parts.count else {
      throw SQLError(kind: .unavailable, code: 0, message: "The server answered another request")
    }
    var readings = LaneReadings()
    for (part, rows) in zip(parts, replies) {
      for row in rows { try Self.take(row, of: part, into: &readings) }
    }
    return readings
  }

  private static func take(_ row: SQLRow, of part: Part, into readings: inout LaneReadings) throws {
    switch part {
    case .begin: break
    case .heads: readings.heads[Int(row.integer(0) ?? -1)] = row.integer(1)
    case .rooms: readings.rooms[row.integer(0) ?? 0] = counters(row)
    case .sent: try take(sent: JournalTable.event(row), ref: row.text(10) ?? "", into: &readings)
    case .erased: readings.erased[row.integer(0) ?? 0] = MessageFate(stored: row.integer(1))
    case .changes: readings.changes[MessageKey(room: row.integer(0) ?? 0, seq: row.integer(1) ?? 0)] = change(row)
    case .changed: if let stored = ChangeRef(row) { readings.changed[stored.key] = stored }
    case .past: readings.add(past: try JournalTable.event(row))
    case .members: readings.members.insert(MemberKey(room: row.integer(0) ?? 0, user: row.integer(1) ?? 0))
    }
  }

  private static func take(sent event: RoomEvent, ref: String, into readings: inout LaneReadings) {
    readings.sent[RefKey(room: event.room, user: event.message.userID, ref: ref)] = event
  }

  private static func counters(_ row: SQLRow) -> RoomCounters? {
    guard let lastEvent = row.integer(1), let lastSeq = row.integer(2) else { return nil }
    return RoomCounters(
      lastEvent: lastEvent, lastSeq: lastSeq, lastMessageAt: row.integer(3), isClosed: row.integer(4) != 0,
      isImporting: row.integer(5) != nil)
  }

  private static func change(_ row: SQLRow) -> RoomChange? {
    guard let kind = row.integer(3).flatMap(UInt8.init(exactly:)).flatMap(RoomEvent.Kind.init) else { return nil }
    return RoomChange(
      event: row.integer(2) ?? 0, seq: row.integer(1) ?? 0, kind: kind, lastSeq: row.integer(4) ?? 0)
  }
}

extension Submission {
  fileprivate var isSend: Bool { if case .send = action { true } else { false } }

  fileprivate var endedMembership: MemberKey? {
    if case .remove(let user) = action { MemberKey(room: room.id, user: user.id) } else { nil }
  }
}

extension JSONWriter {
  /// `[room, user, "ref"]`
  fileprivate mutating func value(ref submission: Submission) {
    array {
      $0.value(submission.room.id)
      $0.value(submission.actor.id)
      $0.value(submission.ref)
    }
  }
}

extension MySQLText {
  /// `(1, 2)`
  mutating func append(_ key: MemberKey) {
    append("(")
    append(list: [key.room, key.user]) { $0.append($1) }
    append(")")
  }

  /// `(room, user, 'ref')`
  fileprivate mutating func append(ref submission: Submission) {
    append("(")
    append(list: [submission.room.id, submission.actor.id]) { $0.append($1) }
    append(", ")
    append(quoted: submission.ref)
    append(")")
  }

  /// `a OR b OR c`
  fileprivate mutating func append<Element>(
    alternatives elements: [Element], _ element: (inout MySQLText, Element) -> Void
  ) {
    for (index, each) in elements.enumerated() {
      if index > 0 { append(" OR ") }
      element(&self, each)
    }
  }
}
