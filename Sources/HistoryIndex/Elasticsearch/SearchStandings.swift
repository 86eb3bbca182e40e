import ChatRooms
import Drivers

/// What the database says that a search depends on, of one moment.
public struct SearchStanding: Sendable {
  /// What the caller may read.
  public var scope: ReadScope
  /// Where the lanes of the journal stand.
  var heads: [LaneHead]
}

/// Reads standings: callers who come together share a question, which is asked after each of them came.
public struct SearchStandings: Sendable {
  typealias Answer = @Sendable (Result<SearchStanding, any Error>) -> Void

  private let ask: @Sendable (ScopeKey, @escaping Answer) -> Void

  public init(_ database: any SQLDatabase) {
    let reads = BatchedReads<ScopeKey, SearchStanding>(database, most: ScopeKey.mostAtOnce, Self.read)
    ask = { reads.submit($0, answer: $1) }
  }

  /// - Parameter ask: begins to read, and answers on any thread.
  init(ask: @escaping @Sendable (ScopeKey, @escaping Answer) -> Void) { self.ask = ask }

  /// Begins to read. Never waits.
  func begin(_ key: ScopeKey) -> PendingValue<Result<SearchStanding, any Error>> {
    let standing = PendingValue<Result<SearchStanding, any Error>>()
    ask(key) { standing.give($0) }
    return standing
  }

  /// One statement for both: each way to the database costs a search more than the question does.
  private static func read(_ keys: [ScopeKey], _ connection: any SQLConnection) throws -> [ScopeKey: SearchStanding] {
    let question = ScopeQuestion(keys)
    let rows = try connection.query(
      question.sql + " UNION ALL SELECT head, -1 - lane, indexed FROM journal_lanes", question.parameters)
    var heads = rows.compactMap { row -> LaneHead? in
      guard let number = row.integer(1), number < 0 else { return nil }
      return LaneHead(lane: Int(-1 - number), head: row.integer(0) ?? 0, indexed: row.integer(2) ?? 0)
    }
    heads.sort { $0.lane < $1.lane }
    return try question.scopes(of: rows).mapValues { [heads] in SearchStanding(scope: $0, heads: heads) }
  }
}
