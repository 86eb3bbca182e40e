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
  /// A look that `Search.look` took since the search was asked for; `nil`: the search takes one itself.
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
  /// Looks for what the index does not show yet, which can be done while it is found out what the caller may read.
  func look() async -> SearchLook?

  /// - Throws: `ChatError` 400 for a cursor that is none, 503 if the index does not answer.
  func search(_ request: SearchRequest) async throws -> SearchPage
}

extension Search {
  /// For searches that have nothing to look for.
  public func look() async -> SearchLook? { nil }
}

/// What a search needs to know beside the index: see `Search.look`.
public struct SearchLook: Sendable {
  let view: SearchTail.View
}
