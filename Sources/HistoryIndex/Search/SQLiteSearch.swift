import ChatRooms
import Drivers

/// Full-text search of the embedded profile, in FTS5.
///
/// What is committed is found: the index of words is written in the transaction that stores the message.
public struct SQLiteSearch: Search {
  /// Reads what the user typed.
  public typealias Parser = @Sendable (SearchRequest) throws -> SearchQuery

  /// Hits that are counted.
  static let mostCounted = 10_000

  static let standsFunction = "palaver_stands"
  static let beginsFunction = "palaver_begins"
  /// What the database's connections must know (`SQLiteOptions.functions`): whether words stand in a text with their
  /// symbols.
  public static let functions = [
    SQLiteFunction(name: standsFunction) { text, word in LiteralCheck.holds(.word(word), in: text) },
    SQLiteFunction(name: beginsFunction) { text, word in LiteralCheck.holds(.prefix(word), in: text) },
  ]

  private let journal: SQLiteJournal
  private let parse: Parser
  private let resolve: RoomResolver
  private let log: Log

  public init(journal: SQLiteJournal, parse: @escaping Parser, resolve: @escaping RoomResolver, log: Log) {
    self.journal = journal
    self.parse = parse
    self.resolve = resolve
    self.log = log
  }

  public func search(_ request: SearchRequest) async throws -> SearchPage {
    let cursor = try request.cursor.map { text throws(ChatError) in try SearchCursor(text, for: request) }
    let typed = try parse(request)
    let query = request.sort == .relevance ? typed.widened : typed
    let rooms = try await query.namedRooms(request, resolve)
    let pass = SQLiteSearchPass(
      request: request, query: query, plan: plan(query, rooms, request),
      exact: query == typed ? nil : plan(typed, rooms, request), cursor: cursor)
    let deadline = request.deadline ?? .now + SearchRequest.standardDeadline
    let fresh = journal.clock.settled()
    do {
      var page = try await journal.database.read { connection in try pass.run(connection, deadline: deadline) }
      // A search that was cut short reflects less than it might.
      page.freshAsOf = page.isComplete ? fresh : 0
      return page
    } catch let error as SQLError {
      log.warning("a search failed", ["error": "\(error)"])
      throw ChatError.unavailable("Search")
    }
  }

  private func plan(
    _ query: SearchQuery, _ rooms: NamedRooms, _ request: SearchRequest
  ) -> SQLiteSearchPlan {
    var plan = SQLiteSearchPlan(query, rooms: rooms)
    if !request.rooms.isEmpty { plan.restrict(to: request.rooms.map(\.id)) }
    return plan
  }
}
