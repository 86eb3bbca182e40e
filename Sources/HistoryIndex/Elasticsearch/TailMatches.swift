import ChatRooms

/// What of the tail belongs to one page's search.
struct TailMatches {
  /// More ids than this are not sent with a query; their hits are dropped from its result instead.
  private static let mostHidden = 1_000

  /// Matches behind the cursor, in the search's order.
  private(set) var hits: [SearchHit] = []
  /// All matches, on whichever page.
  private(set) var matched: [Message] = []
  /// Documents whose state in the index does not count.
  private(set) var ids: Set<String> = []
  /// Those of them that the query excludes.
  private(set) var hidden: [String] = []

  /// Matches, on whichever page.
  var count: Int { matched.count }
  /// Documents that the query does not exclude although their state in the index does not count.
  var unhidden: Int { ids.count - hidden.count }

  init(_ view: SearchTail.View, _ request: SearchRequest, _ query: TailQuery, cursor: SearchCursor?) {
    ids = view.ids
    if ids.count <= Self.mostHidden { hidden = Array(ids) }
    let position = cursor.map { SearchPosition($0) }
    let seen = Set(cursor?.seen ?? [])
    let rooms = Set(request.scope.rooms)
    for entry in view.entries.values where entry.isReadable(request, rooms) && entry.matches(query) {
      matched.append(entry.message)
      if request.sort == .relevance {
        // A score is the index's to give. What was just written comes first.
        guard !seen.contains(SearchCursor.digest(entry.message)) else { continue }
      } else if let position, !position.precedes(entry.message, request.sort) {
        continue
      }
      hits.append(SearchHit(message: entry.message, score: nil, highlights: []))
    }
    let order = request.sort == .oldest ? SearchSort.oldest : .recent
    hits.sort { SearchPosition($0.message, score: nil).precedes($1.message, order) }
  }
}
