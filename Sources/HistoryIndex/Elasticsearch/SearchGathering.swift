import ChatRooms
import Drivers

/// One page's search.
struct SearchPass {
  let request: SearchRequest
  let query: SearchQuery
  let compiled: JSONValue
  let routing: String?
  let cursor: SearchCursor?
  /// Hits are looked at one by one for what the index cannot tell.
  let hasLiterals: Bool
  /// The named parts of the query, in the order of their names.
  let leaves: [SearchQuery]
  /// Digests of hits that earlier pages gave.
  let seen: Set<UInt32>

  init(
    request: SearchRequest, query: SearchQuery, compiled: JSONValue, routing: String?, cursor: SearchCursor?
  ) {
    self.request = request
    self.query = query
    self.compiled = compiled
    self.routing = routing
    self.cursor = cursor
    hasLiterals = LiteralCheck.isNeeded(for: query)
    leaves = hasLiterals ? query.leaves : []
    seen = Set(cursor?.seen ?? [])
  }

  /// Some hits may be left out.
  var isChecked: Bool { hasLiterals || !seen.isEmpty }

  /// Hits of this page.
  var wanted: Int {
    guard request.sort == .relevance else { return request.limit }
    return max(0, min(request.limit, SearchCursor.mostByRelevance - (cursor?.seen.count ?? 0)))
  }
}

/// Fills a page from what the index gives, bit by bit.
struct SearchGathering {
  private let pass: SearchPass
  private(set) var hits: [SearchHit] = []
  /// The last hit that was looked at, taken or not: the next page begins behind it.
  private var last: SearchHit?
  private var hasMore = false
  private var total: Int?
  private var isTotalLowerBound = false
  private var isComplete = true
  private(set) var looked = 0
  /// The index has nothing more.
  private(set) var isExhausted = false

  init(_ pass: SearchPass) { self.pass = pass }

  var isFull: Bool { hits.count >= pass.wanted }

  /// - Parameter asked: how many hits would have been given.
  mutating func add(_ reply: SearchReply, asked: Int) {
    if total == nil {
      total = reply.total
      isTotalLowerBound = reply.isTotalLowerBound
    }
    isComplete = isComplete && reply.isComplete
    isExhausted = reply.hits.count < asked
    for (index, found) in reply.hits.enumerated() {
      looked += 1
      if isWanted(found) { hits.append(found.hit) }
      last = found.hit
      if isFull {
        hasMore = !isExhausted || index < reply.hits.count - 1
        return
      }
    }
    hasMore = !isExhausted
  }

  private func isWanted(_ found: SearchReply.Found) -> Bool {
    if pass.seen.contains(SearchCursor.digest(found.hit.message)) { return false }
    guard pass.hasLiterals else { return true }
    return LiteralCheck.holds(pass.query, on: found.hit.message) { part in
      pass.leaves.firstIndex(of: part).map { found.matched.contains("\($0)") } ?? false
    }
  }

  var page: SearchPage {
    let isCut = !isFull && hasMore
    return SearchPage(
      hits: hits, total: checkedTotal,
      isTotalLowerBound: pass.hasLiterals ? hasMore || pass.cursor != nil : isTotalLowerBound,
      next: next, isComplete: isComplete && !isCut, freshAsOf: 0)
  }

  /// What the index counted, unless the texts were looked through: then what was found for certain.
  private var checkedTotal: Int {
    pass.hasLiterals ? hits.count : total ?? 0
  }

  private var next: String? {
    guard hasMore, let last, pass.wanted > 0 else { return nil }
    let seen =
      pass.request.sort == .relevance ? (pass.cursor?.seen ?? []) + hits.map { SearchCursor.digest($0.message) } : []
    guard seen.count < SearchCursor.mostByRelevance else { return nil }
    let score = pass.request.sort == .relevance ? last.score ?? 0 : nil
    return SearchCursor(pass.request, after: last.message, score: score, seen: seen).text
  }
}
