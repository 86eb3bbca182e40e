import ChatRooms
import Drivers

/// One page's search.
struct SearchPass {
  let request: SearchRequest
  let query: SearchQuery
  let compiled: JSONValue
  let routing: String?
  let cursor: SearchCursor?
  /// What each hit is looked at for, as the index cannot tell it.
  let remainder: SearchQuery?
  /// The named parts of the query, in the order of their names.
  let asked: [SearchQuery]
  /// Digests of hits that earlier pages gave.
  let seen: Set<UInt32>
  /// Matches that the index may not show, and the ids whose state in the index is not the present one.
  let tail: TailMatches
  /// Up to when the index and the tail have everything.
  let freshAsOf: Milliseconds

  init(
    request: SearchRequest, query: SearchQuery, compiled: JSONValue, routing: String?, cursor: SearchCursor?,
    tail: TailMatches, freshAsOf: Milliseconds
  ) {
    self.tail = tail
    self.freshAsOf = freshAsOf
    self.request = request
    self.query = query
    self.compiled = compiled
    self.routing = routing
    self.cursor = cursor
    remainder = LiteralCheck.remainder(of: query)
    asked = LiteralCheck.asked(by: remainder)
    seen = Set(cursor?.seen ?? [])
  }

  var hasLiterals: Bool { remainder != nil }

  /// Some hits may be left out.
  var isChecked: Bool { hasLiterals || !seen.isEmpty || tail.ids.count > tail.hidden.count }

  /// Where the index's hits begin. A `relevance` search begins anew for each page and leaves out what was given:
  /// scores move while others write, and a place among them would then skip some.
  var start: SearchPosition? { request.sort == .relevance ? nil : cursor.map { SearchPosition($0) } }

  /// Hits to ask the index for.
  ///
  /// - Parameters:
  ///   - found: hits of the page so far.
  ///   - looked: hits that were looked at for it. The more there were in vain, the more are asked for at once, as each
  ///     question makes the index begin anew.
  func size(found: Int, looked: Int) -> Int {
    let plain = wanted - found + 1
    if request.sort == .relevance, looked == 0, !hasLiterals { return min(Self.mostAtOnce, seen.count + plain) }
    return isChecked ? min(Self.mostCheckedAtOnce, max(Self.leastCheckedAtOnce, looked)) : plain
  }

  private static let mostAtOnce = 1_000
  /// Where hits are looked at one by one.
  private static let leastCheckedAtOnce = 200
  private static let mostCheckedAtOnce = 800

  /// Hits of this page.
  var wanted: Int {
    guard request.sort == .relevance else { return request.limit }
    return max(0, min(request.limit, SearchCursor.mostByRelevance - (cursor?.seen.count ?? 0)))
  }
}

/// Fills a page from what the index gives, bit by bit.
struct SearchGathering {
  let pass: SearchPass
  private(set) var hits: [SearchHit] = []
  /// The last hit that was looked at, taken or not: the next page begins behind it.
  private var last: SearchHit?
  private var hasMore = false
  private var total: Int?
  private var isTotalLowerBound = false
  private var isComplete = true
  private var aggregations: JSONValue?
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
      aggregations = reply.aggregations
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
    let message = found.hit.message
    if !pass.seen.isEmpty, pass.seen.contains(SearchCursor.digest(message)) { return false }
    if !pass.tail.ids.isEmpty, pass.tail.ids.contains(MessageDocument.id(room: message.room, seq: message.seq)) {
      return false
    }
    guard let remainder = pass.remainder else { return true }
    return LiteralCheck.holds(remainder, on: message) { part in
      pass.asked.firstIndex(of: part).map { found.matched.contains("\($0)") } ?? false
    }
  }

  /// The deadline came before the page was full.
  mutating func cutShort() { isComplete = false }

  /// The index's hits and the tail's, in one order.
  var page: SearchPage {
    let merged = merged
    let given = Array(merged.prefix(pass.wanted))
    let isLonger = hasMore || merged.count > given.count
    let isWhole = isComplete && !(hasMore && !isFull)
    let total = total(found: merged.count, isLonger: isLonger)
    return SearchPage(
      hits: given, total: total.count, isTotalLowerBound: total.isLowerBound || !isWhole,
      next: isLonger ? next(given) : nil, isComplete: isWhole, freshAsOf: 0, facets: facets)
  }

  private var merged: [SearchHit] {
    // The index's hits come in order.
    if pass.tail.hits.isEmpty { return hits }
    guard pass.request.sort == .relevance else {
      let tail = pass.tail.hits.filter { !hasMore || isFull || isBeforeLast($0) }
      return (tail + hits).sorted(by: comesFirst)
    }
    // The tail's hits have no score. Half of a page is theirs, and what the index's leave.
    let share = max(1, pass.wanted / 2, pass.wanted - hits.count)
    return pass.tail.hits.prefix(share) + hits + pass.tail.hits.dropFirst(share)
  }

  private func total(found: Int, isLonger: Bool) -> (count: Int, isLowerBound: Bool) {
    if pass.hasLiterals { return (found, isLonger || pass.cursor != nil) }
    // What could not be excluded may all be among the index's hits.
    let certain = max(0, (total ?? 0) - pass.tail.unhidden)
    return (max(found, certain + pass.tail.count), isTotalLowerBound || pass.tail.unhidden > 0)
  }

  private var facets: SearchFacets? {
    guard !pass.request.facets.isEmpty else { return nil }
    var facets = SearchFacets(
      pass.request.facets, aggregations, tail: pass.tail.matched, timeZone: pass.request.timeZone)
    facets.isUpperBound = pass.hasLiterals || pass.tail.unhidden > 0
    return facets
  }

  /// Of a page that was cut short nothing behind the cut may be given: the next page begins there.
  private func isBeforeLast(_ hit: SearchHit) -> Bool {
    last.map { comesFirst(hit, $0) } ?? false
  }

  private func comesFirst(_ left: SearchHit, _ right: SearchHit) -> Bool {
    SearchPosition(left.message, score: nil).precedes(right.message, pass.request.sort)
  }

  private func next(_ given: [SearchHit]) -> String? {
    guard pass.request.sort == .relevance else {
      // Behind the last hit given; where the page is not full, behind the last that was looked at.
      let end = given.count < pass.wanted ? last ?? given.last : given.last
      return end.map { SearchCursor(pass.request, after: $0.message, score: nil, seen: []).text }
    }
    // Every page is cut from the best anew. One that is not full ends them: the next would look at the same.
    guard let end = given.last, given.count == pass.wanted else { return nil }
    let seen = (pass.cursor?.seen ?? []) + given.map { SearchCursor.digest($0.message) }
    guard seen.count < SearchCursor.mostByRelevance else { return nil }
    return SearchCursor(pass.request, after: end.message, score: end.score ?? 0, seen: seen).text
  }
}
