import ChatRooms
import Drivers
import Foundation

/// One page's search on one connection.
struct SQLiteSearchPass: Sendable {
  let request: SearchRequest
  let query: SearchQuery
  let plan: SQLiteSearchPlan
  /// What comes first by relevance, where the plan finds more.
  let exact: SQLiteSearchPlan?
  let cursor: SearchCursor?

  /// A message found, with the number that it is ranked by.
  private struct Found {
    var message: Message
    var score: Double?
  }

  /// What came together until the end or the deadline.
  private struct Gathering {
    var hits: [Found] = []
    var hasMore = false
    var isComplete = true
    var facets: SearchFacets?
  }

  func run(_ connection: SQLiteConnection, deadline: ContinuousClock.Instant) throws -> SearchPage {
    var gathering = Gathering()
    var total = 0
    do {
      // One snapshot for the page and the count.
      try connection.transaction {
        try connection.withDeadline(deadline) {
          if request.sort == .relevance {
            try gatherByRelevance(connection, &gathering)
          } else {
            try gatherByTime(connection, &gathering)
          }
          total = try count(connection)
          gathering.facets = try facets(connection)
        }
      }
    } catch let error as SQLError where error.isSQLiteInterrupt {
      gathering.isComplete = false
      // The count did not come to an end; without one, what was found is the least.
      total = gathering.hits.count
    }
    return page(gathering, total: total)
  }

  private func page(_ gathering: Gathering, total: Int) -> SearchPage {
    let highlighter = SearchHighlighter(query)
    let hits = gathering.hits.map { found in
      SearchHit(
        message: found.message, score: found.score, highlights: highlighter.highlights(found.message.text))
    }
    return SearchPage(
      hits: hits, total: min(total, SQLiteSearch.mostCounted),
      isTotalLowerBound: total > SQLiteSearch.mostCounted || !gathering.isComplete,
      next: gathering.hasMore ? next(after: hits) : nil, isComplete: gathering.isComplete, freshAsOf: 0,
      facets: request.facets.isEmpty ? nil : gathering.facets ?? SearchFacets())
  }

  private func next(after hits: [SearchHit]) -> String? {
    guard let last = hits.last else { return nil }
    guard request.sort == .relevance else {
      return SearchCursor(request, after: last.message, score: nil, seen: []).text
    }
    let seen = (cursor?.seen ?? []) + hits.map { SearchCursor.digest($0.message) }
    guard seen.count < SearchCursor.mostByRelevance else { return nil }
    return SearchCursor(request, after: last.message, score: last.score ?? 0, seen: seen).text
  }

  // MARK: By time

  /// Ids are in the order of time; messages of one millisecond are put in the order of room and seq here.
  private func gatherByTime(_ connection: SQLiteConnection, _ gathering: inout Gathering) throws {
    let isOldest = request.sort == .oldest
    let (sql, parameters) = statement(
      columns: SQLiteMessages.columns, order: isOldest ? "ASC" : "DESC", from: idsAfterCursor())
    var tie: [Message] = []
    var messages: [Message] = []
    func endTie() {
      messages += tie.filter(isAfterCursor).sorted {
        isOldest ? Self.key($0) < Self.key($1) : Self.key($0) > Self.key($1)
      }
      tie = []
    }
    defer {
      gathering.hits = messages.prefix(request.limit).map { Found(message: $0) }
      gathering.hasMore = messages.count > request.limit || !gathering.isComplete
    }
    do {
      try connection.forEachRow(sql, parameters) { row in
        guard let message = SQLiteMessages.message(row) else { return true }
        if let last = tie.last, last.timestamp != message.timestamp { endTie() }
        tie.append(message)
        return messages.count <= request.limit
      }
      if messages.count <= request.limit { endTie() }
    } catch let error as SQLError where error.isSQLiteInterrupt {
      // A millisecond that was not read to its end is left to the next page.
      gathering.isComplete = false
      throw error
    }
  }

  private static func key(_ message: Message) -> (Milliseconds, RoomID, Int64) {
    (message.timestamp, message.room, message.seq)
  }

  private func isAfterCursor(_ message: Message) -> Bool {
    guard let cursor else { return true }
    let place = (cursor.timestamp, cursor.room, cursor.seq)
    return request.sort == .oldest ? Self.key(message) > place : Self.key(message) < place
  }

  /// The cursor's own millisecond is read again.
  private func idsAfterCursor() -> (lowest: Int64, end: Int64) {
    guard let cursor else { return (plan.lowestID, plan.endID) }
    if request.sort == .oldest { return (max(plan.lowestID, MessageKeys.first(at: cursor.timestamp)), plan.endID) }
    let (following, overflows) = cursor.timestamp.addingReportingOverflow(1)
    return (plan.lowestID, overflows ? plan.endID : min(plan.endID, MessageKeys.first(at: following)))
  }

  // MARK: By relevance

  /// Pages are cut from the 1,000 best, found anew for each; what a page gave before is left out.
  private func gatherByRelevance(_ connection: SQLiteConnection, _ gathering: inout Gathering) throws {
    let seen = Set(cursor?.seen ?? [])
    let wanted = max(0, min(request.limit, SearchCursor.mostByRelevance - seen.count))
    for row in try best(connection) {
      guard let id = row.integer(0), let room = row.integer(1), let seq = row.integer(2) else { continue }
      if seen.contains(SearchCursor.digest(room: room, seq: seq)) { continue }
      guard gathering.hits.count < wanted else {
        gathering.hasMore = true
        return
      }
      let rows = try connection.query("SELECT \(SQLiteMessages.columns) FROM messages m WHERE m.id = ?", [.integer(id)])
      guard let message = rows.first.flatMap(SQLiteMessages.message) else { continue }
      gathering.hits.append(Found(message: message, score: row.text(3).flatMap(Double.init)))
    }
  }

  /// What matches as it was typed, then what only its inflections find.
  private func best(_ connection: SQLiteConnection) throws -> [SQLRow] {
    guard let exact else { return try best(of: plan, connection) }
    let first = try best(of: exact, connection, atLeast: SearchRelevance.exactScore)
    guard first.count < SearchCursor.mostByRelevance else { return first }
    let ids = Set(first.compactMap { $0.integer(0) })
    let others = try best(of: plan, connection).filter { row in row.integer(0).map { !ids.contains($0) } ?? false }
    return first + others
  }

  /// Of words that very many messages hold, the newest of these are ranked: such words tell little, so that all of
  /// them would be much work for an order that says nothing.
  private func best(
    of plan: SQLiteSearchPlan, _ connection: SQLiteConnection, atLeast least: Double = 0
  ) throws -> [SQLRow] {
    if let first = try firstRanked(of: plan, connection) {
      let rows = try ranked(plan, from: max(first, plan.lowestID), connection, atLeast: least)
      // Fewer if the caller may not read most of them.
      if rows.count == SearchCursor.mostByRelevance { return rows }
    }
    return try ranked(plan, from: plan.lowestID, connection, atLeast: least)
  }

  private static let mostRanked = 5_000

  /// The oldest id among the newest matches that are ranked; `nil` if there are no more than these.
  private func firstRanked(of plan: SQLiteSearchPlan, _ connection: SQLiteConnection) throws -> Int64? {
    guard let match = plan.match else { return nil }
    let sql = """
      SELECT rowid FROM message_words WHERE message_words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT 1 OFFSET ?
      """
    return try connection.query(sql, [.text(match), .integer(plan.endID), .integer(Int64(Self.mostRanked))])
      .first?.integer(0)
  }

  private func ranked(
    _ plan: SQLiteSearchPlan, from lowestID: Int64, _ connection: SQLiteConnection, atLeast least: Double
  ) throws -> [SQLRow] {
    let score = "\(least) + \(recency)" + (plan.match == nil ? "" : " + palaver_rank(message_words)")
    let (sql, parameters) = statement(
      plan, columns: "m.id, m.room_id, m.seq, \(score) AS score", order: nil, from: (lowestID, plan.endID))
    return try connection.query(
      sql + " ORDER BY score DESC, m.id DESC LIMIT \(SearchCursor.mostByRelevance)", parameters)
  }

  private var recency: String {
    let now = Milliseconds(Date().timeIntervalSince1970 * 1_000)
    let pivot = Double(SearchRecency.pivot)
    return "\(SearchRecency.weight * pivot) / (\(pivot) + MAX(0, \(now) - m.sent_at))"
  }

  // MARK: Facets

  private func facets(_ connection: SQLiteConnection) throws -> SearchFacets? {
    guard !request.facets.isEmpty else { return nil }
    var facets = SearchFacets()
    for kind in request.facets {
      switch kind {
      case .room: facets.set(kind, try counts(connection, by: "m.room_id"))
      case .user: facets.set(kind, try counts(connection, by: "m.user_name"))
      case .month: facets.set(kind, try months(connection))
      }
    }
    return facets
  }

  private func counts(_ connection: SQLiteConnection, by column: String) throws -> [String: Int] {
    let (sql, parameters) = statement(
      columns: "\(column), COUNT(*)", order: nil, from: (plan.lowestID, plan.endID))
    let rows = try connection.query("\(sql) GROUP BY 1", parameters)
    return rows.reduce(into: [:]) { counts, row in
      guard let value = row.text(0) ?? row.integer(0).map(String.init) else { return }
      counts[value, default: 0] += Int(clamping: row.integer(1) ?? 0)
    }
  }

  /// By the quarters of an hour, in which every time zone's months begin.
  private func months(_ connection: SQLiteConnection) throws -> [String: Int] {
    let quarter: Milliseconds = 900_000
    let months = SearchMonths(timeZone: request.timeZone)
    // SQLite divides towards zero: what was sent before 1970 would count as later.
    let number = "(m.sent_at - (m.sent_at % \(quarter) + \(quarter)) % \(quarter)) / \(quarter)"
    return try counts(connection, by: number).reduce(into: [:]) { counts, found in
      guard let number = Milliseconds(found.key) else { return }
      counts[months.month(of: number * quarter), default: 0] += found.value
    }
  }

  // MARK: SQL

  private func count(_ connection: SQLiteConnection) throws -> Int {
    let (sql, parameters) = statement(columns: "1", order: nil, from: (plan.lowestID, plan.endID))
    let counted = "SELECT COUNT(*) FROM (\(sql) LIMIT \(SQLiteSearch.mostCounted + 1))"
    return Int(clamping: try connection.query(counted, parameters).first?.integer(0) ?? 0)
  }

  /// - Parameter order: `ASC` or `DESC` by time.
  private func statement(
    _ plan: SQLiteSearchPlan? = nil, columns: String, order: String?, from ids: (lowest: Int64, end: Int64)
  ) -> (String, [SQLValue]) {
    var conditions: [SQLiteSearchPlan.Condition] = []
    let plan = plan ?? self.plan
    let key = plan.match == nil ? "m.id" : "w.rowid"
    var source = "messages m"
    if let match = plan.match {
      // The index first, whatever the planner thinks.
      source = "message_words w CROSS JOIN messages m ON m.id = w.rowid"
      conditions.append(.init(sql: "w.message_words MATCH ?", parameters: [.text(match)]))
    }
    conditions.append(
      .init(sql: "\(key) >= ? AND \(key) < ?", parameters: [.integer(ids.lowest), .integer(ids.end)]))
    conditions += [.init(sql: "m.is_deleted = 0", parameters: []), scope] + plan.conditions
    let tests = conditions.map(\.sql).joined(separator: " AND ")
    let ordered = order.map { " ORDER BY \(key) \($0)" } ?? ""
    return ("SELECT \(columns) FROM \(source) WHERE \(tests)\(ordered)", conditions.flatMap(\.parameters))
  }

  /// What the caller may read, as the database knows it at this moment, and as the request says of private rooms.
  ///
  /// The `+` keeps SQLite from reading room by room and sorting all that it finds: messages are in the order of time.
  private var scope: SQLiteSearchPlan.Condition {
    let scope = request.scope
    let rooms = "[\(scope.rooms.map(String.init).joined(separator: ","))]"
    let closed = "[\(scope.closedRooms.map(String.init).joined(separator: ","))]"
    return .init(
      sql: """
        +m.room_id IN (SELECT r.id FROM rooms r WHERE r.deleted_at IS NULL
          AND (? = 1 OR r.kind = 1 OR r.id IN (SELECT value FROM json_each(?)))
          AND r.id NOT IN (SELECT value FROM json_each(?)))
        """,
      parameters: [.integer(scope.isUnlimited ? 1 : 0), .text(rooms), .text(closed)])
  }
}
