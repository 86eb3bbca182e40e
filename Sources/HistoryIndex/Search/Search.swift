import ChatRooms

public enum SearchSort: String, Sendable {
  case recent
  case relevance
  case oldest
}

/// A search, with what its caller may read.
public struct SearchRequest: Sendable {
  /// What the user typed, up to 1,000 code points.
  public var query: String
  public var scope: ReadScope
  /// Only these rooms, which the caller may read; empty: all of the scope.
  public var rooms: [Room]
  public var sort: SearchSort
  /// 1 ... 100.
  public var limit: Int
  /// From `SearchPage.next` of the same search.
  public var cursor: String?
  /// Minutes that the caller's clock is ahead of UTC are looked up by this IANA name.
  public var timeZone: String
  /// Whom `me` means.
  public var caller: User?
  /// The user is still typing: the last word may be the beginning of a longer one.
  public var isLastWordPrefix: Bool
  /// By what the hits are to be counted.
  public var facets: [SearchFacets.Kind]
  /// What `Search.ground` found since the search was asked for; `nil`: the search looks itself.
  public var look: SearchLook?
  /// When the search gives what it has; `nil`: `standardDeadline` after it begins.
  public var deadline: ContinuousClock.Instant?

  /// How long a search takes at most.
  public static let standardDeadline: Duration = .seconds(2)

  public init(
    query: String, scope: ReadScope, rooms: [Room] = [], sort: SearchSort = .recent, limit: Int = 20,
    cursor: String? = nil, timeZone: String = "UTC", caller: User? = nil, isLastWordPrefix: Bool = false,
    facets: [SearchFacets.Kind] = [], deadline: ContinuousClock.Instant? = nil
  ) {
    self.query = query
    self.scope = scope
    self.rooms = rooms
    self.sort = sort
    self.limit = limit
    self.cursor = cursor
    self.timeZone = timeZone
    self.caller = caller
    self.isLastWordPrefix = isLastWordPrefix
    self.facets = facets
    self.deadline = deadline
  }
}

public struct SearchHit: Sendable, Equatable {
  public var message: Message
  public var score: Double?
  /// UTF-16 units of the text: start and length.
  public var highlights: [Highlight]

  public init(message: Message, score: Double?, highlights: [Highlight]) {
    self.message = message
    self.score = score
    self.highlights = highlights
  }
}

public struct Highlight: Sendable, Equatable {
  public var start: Int
  public var length: Int

  public init(start: Int, length: Int) {
    self.start = start
    self.length = length
  }
}

public struct SearchPage: Sendable, Equatable {
  public var hits: [SearchHit]
  public var total: Int
  /// `total` is a lower bound.
  public var isTotalLowerBound: Bool
  public var next: String?
  /// False where a shard or the deadline cut the search short.
  public var isComplete: Bool
  /// Every message acknowledged with a timestamp up to here is reflected; 0 where nothing can be said.
  public var freshAsOf: Milliseconds
  /// `nil` where none were asked for.
  public var facets: SearchFacets?

  public init(
    hits: [SearchHit], total: Int, isTotalLowerBound: Bool, next: String?, isComplete: Bool, freshAsOf: Milliseconds,
    facets: SearchFacets? = nil
  ) {
    self.hits = hits
    self.total = total
    self.isTotalLowerBound = isTotalLowerBound
    self.next = next
    self.isComplete = isComplete
    self.freshAsOf = freshAsOf
    self.facets = facets
  }
}

/// Full-text search: `ElasticsearchSearch` or `SQLiteSearch`.
public protocol Search: Sendable {
  /// What a search depends on beside the index, read together; `nil` where that cannot be, and the room store is to be
  /// asked what the caller may read.
  func ground(of key: ScopeKey) async -> SearchGround?

  /// Makes a search ready that begins before it is known what its caller may read: on what that was a moment ago, the
  /// request's `scope`. `nil` where a search has to wait. Never waits.
  func prepare(_ request: SearchRequest, of key: ScopeKey) -> PreparedSearch?

  /// - Throws: `ChatError` 400 for a cursor that is none, 503 if the index does not answer.
  func search(_ request: SearchRequest) async throws -> SearchPage
}

extension Search {
  /// For searches that need nothing beside the room store.
  public func ground(of key: ScopeKey) async -> SearchGround? { nil }
  public func prepare(_ request: SearchRequest, of key: ScopeKey) -> PreparedSearch? { nil }
}

/// What the index does not show yet.
public struct SearchLook: Sendable {
  let view: SearchTail.View
}

/// What a search depends on beside the index.
public struct SearchGround: Sendable {
  public let scope: ReadScope
  public let look: SearchLook
}

/// A search that can be sent to the index at once, see `Search.prepare`.
public struct PreparedSearch: Sendable {
  /// Sends it. Never waits.
  public let begin: @Sendable () -> any BegunSearch
}

/// A search that was sent to the index, while what it assumed is looked up in the database.
public protocol BegunSearch: Sendable {
  /// Calls `handler` once, when both have answered, or as soon as it is known that something was assumed wrongly: at once,
  /// or on a thread that must not wait.
  func whenAnswered(_ handler: @escaping @Sendable () -> Void)

  /// The outcome, where it takes little time to tell from what is there; `nil`: see `outcome`. Throws as `Search.search`.
  func outcomeAtOnce() throws -> BegunSearchOutcome?

  /// Waits for the index and the database. Throws as `Search.search`.
  func outcome() async throws -> BegunSearchOutcome
}

public enum BegunSearchOutcome: Sendable {
  /// The database, asked since the search began, says what was assumed.
  case page(SearchPage)
  /// The database does not answer.
  case unconfirmed(SearchPage)
  /// The caller may read something else by now, or something was written: the search has to be carried out anew.
  case overtaken
}
