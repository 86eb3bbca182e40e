import ChatRooms

/// What the journal holds at a moment.
public struct JournalBacklog: Sendable, Equatable {
  /// Rows that the history index does not have yet.
  public var waiting: Int64
  /// When the oldest of those was accepted; `nil` if none waits.
  public var oldest: Milliseconds?
  /// Rows in all: those that wait, and those that are kept although they are indexed.
  public var rows: Int64
  /// Events that the index refuses for good.
  public var deadLetters: Int64

  public init(waiting: Int64 = 0, oldest: Milliseconds? = nil, rows: Int64 = 0, deadLetters: Int64 = 0) {
    self.waiting = waiting
    self.oldest = oldest
    self.rows = rows
    self.deadLetters = deadLetters
  }
}

extension Journal {
  /// For journals that are the history themselves: nothing waits.
  public func backlog() async throws -> JournalBacklog { JournalBacklog() }
}

extension MySQLJournal {
  /// The oldest row of each lane is found by its position: a lookup a lane, however many rows wait.
  public func backlog() async throws -> JournalBacklog {
    let rows = try await database.query(
      """
      SELECT CAST(SUM(l.head - l.indexed) AS SIGNED), MIN(j.happened_at), CAST(SUM(l.head - l.trimmed) AS SIGNED), \
      (SELECT COUNT(*) FROM dead_letters) FROM journal_lanes l \
      LEFT JOIN journal j ON j.lane = l.lane AND j.position = l.indexed + 1
      """)
    return JournalBacklog(
      waiting: rows.first?.integer(0) ?? 0, oldest: rows.first?.integer(1), rows: rows.first?.integer(2) ?? 0,
      deadLetters: rows.first?.integer(3) ?? 0)
  }
}
