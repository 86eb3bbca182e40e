import ChatRooms
import Drivers

/// The requests that write a batch, the last one carrying COMMIT: one for a few rows, two for many, more only if the
/// texts are very long.
struct JournalWriteRequest {
  /// Rows of `JournalTable.insert`, to be executed first, each as a request. Empty where the rows are in the text.
  private(set) var rows: [MySQLRows] = []
  private(set) var requests: [MySQLText] = []
  private var sql: MySQLText

  /// From so many rows on they travel as values of a prepared statement, if the server takes them: a request more, but
  /// parsing a row of SQL costs the server more than storing it.
  private static let rowsWorthARequest = 8

  /// Bytes after which a request is sent: far below `max_allowed_packet`, whose default is 16 MiB, even if the last row
  /// added is as long as a row can be.
  private static let requestBytes = 4 << 20

  /// Error 1048: a counter was not what it had been under the lane's lock. See `addRooms`.
  static let counterMoved = 1_048

  /// - Parameter takesRows: whether the server executes a statement with many rows at once.
  init(_ batch: LaneBatch, takesRows: Bool) {
    let isInRows = takesRows && batch.rows.count >= Self.rowsWorthARequest
    sql = MySQLText(capacity: isInRows ? 1_024 : 512 * batch.rows.count + 1_024)
    if batch.rows.isEmpty {
      addFlush(batch)
    } else {
      if isInRows { rows = Self.portions(batch.rows) } else { addRows(batch.rows) }
      addChanges(batch.rows.filter { $0.event.kind != .message })
      addChangeRefs(batch.changeRefs)
      addRemovals(batch.removals)
      addClosures(batch)
      addHeads(batch.heads)
      addRooms(batch)
    }
    sql.append("COMMIT")
    requests.append(sql)
  }

  private static func portions(_ rows: [JournalRow]) -> [MySQLRows] {
    var portions: [MySQLRows] = []
    var (start, size) = (0, 0)
    for (index, row) in rows.enumerated() {
      if size > requestBytes {
        portions.append(JournalTable.rows(rows[start..<index]))
        (start, size) = (index, 0)
      }
      size += JournalTable.size(of: row)
    }
    return portions + [JournalTable.rows(rows[start...])]
  }

  private mutating func addRows(_ rows: [JournalRow]) {
    var isInsideInsert = false
    for row in rows {
      if isInsideInsert, sql.bytes.count > Self.requestBytes {
        requests.append(sql)
        sql = MySQLText(capacity: Self.requestBytes)
        isInsideInsert = false
      }
      if isInsideInsert {
        sql.append(", ")
      } else {
        sql.append("INSERT INTO journal (")
        sql.append(trusted: JournalTable.columns)
        sql.append(") VALUES ")
      }
      isInsideInsert = true
      JournalTable.append(row, to: &sql)
    }
    sql.append("; ")
  }

  private mutating func addChanges(_ rows: [JournalRow]) {
    guard !rows.isEmpty else { return }
    sql.append("INSERT INTO room_changes (room_id, event, seq, kind, last_seq) VALUES ")
    sql.append(list: rows.map(\.event)) { sql, event in
      sql.append("(")
      sql.append(list: [event.room, event.event, event.message.seq, Int64(event.kind.rawValue), event.lastSeq]) {
        $0.append($1)
      }
      sql.append(")")
    }
    sql.append("; ")
  }

  private mutating func addChangeRefs(_ refs: [ChangeRef]) {
    guard !refs.isEmpty else { return }
    sql.append("INSERT INTO change_refs (")
    sql.append(trusted: ChangeRef.columns)
    sql.append(") VALUES ")
    sql.append(list: refs) { $1.append(to: &$0) }
    sql.append("; ")
  }

  private mutating func addRemovals(_ removals: [MemberKey]) {
    guard !removals.isEmpty else { return }
    sql.append("DELETE FROM members WHERE (room_id, user_id) IN (")
    sql.append(list: removals) { $0.append($1) }
    sql.append("); ")
  }

  private mutating func addClosures(_ batch: LaneBatch) {
    guard let closure = batch.rows.last(where: { $0.event.kind == .closure }) else { return }
    sql.append("UPDATE rooms SET unique_name = NULL, deleted_at = ")
    sql.append(closure.event.timestamp)
    sql.append(" WHERE id IN (")
    sql.append(list: batch.closures) { $0.append($1) }
    sql.append("); DELETE FROM members WHERE room_id IN (")
    sql.append(list: batch.closures) { $0.append($1) }
    sql.append("); UPDATE room_positions SET is_closed = 1 WHERE room_id IN (")
    sql.append(list: batch.closures) { $0.append($1) }
    sql.append("); ")
  }

  private mutating func addHeads(_ heads: [Int: Int64]) {
    sql.append("INSERT INTO journal_lanes (lane, head) VALUES ")
    sql.append(list: heads.sorted { $0.key < $1.key }) { sql, head in
      sql.append("(")
      sql.append(list: [Int64(head.key), head.value]) { $0.append($1) }
      sql.append(")")
    }
    sql.append(" ON DUPLICATE KEY UPDATE head = VALUES(head); ")
  }

  /// The lanes' locks keep other writers out, but not an import that begins, or a rewind. So the counters are compared
  /// and set: `import_id` carries the value that `last_event` had, and where it has moved, or an import has begun, the
  /// NULL for a column that is NOT NULL ends the request before its COMMIT.
  private mutating func addRooms(_ batch: LaneBatch) {
    sql.append("INSERT INTO room_positions (room_id, epoch, last_event, last_seq, last_message_at, import_id) VALUES ")
    sql.append(list: batch.rooms.sorted { $0.key < $1.key }) { sql, room in
      sql.append("(")
      sql.append(room.key)
      sql.append(", '', ")
      let counters = room.value
      sql.append(list: [counters.lastEvent, counters.lastSeq, counters.lastMessageAt]) { $0.append($1) }
      sql.append(", ")
      sql.append(batch.previous[room.key]?.lastEvent)
      sql.append(")")
    }
    sql.append(
      """
       ON DUPLICATE KEY UPDATE last_event = IF(room_positions.import_id IS NULL AND \
      room_positions.last_event = VALUES(import_id), VALUES(last_event), NULL), \
      last_seq = VALUES(last_seq), last_message_at = VALUES(last_message_at); 
      """)
  }

  /// A transaction that stores nothing and repeats what an earlier one stored must still wait for the disk: InnoDB may
  /// show a commit before it is flushed. Two changes that cancel out are a write, and its commit flushes all before it.
  private mutating func addFlush(_ batch: LaneBatch) {
    guard let lane = batch.lockedLane else { return }
    for statement: StaticString in [
      "UPDATE journal_lanes SET head = head + 1 WHERE lane = ",
      "UPDATE journal_lanes SET head = head - 1 WHERE lane = ",
    ] {
      sql.append(statement)
      sql.append(Int64(lane))
      sql.append("; ")
    }
  }
}
