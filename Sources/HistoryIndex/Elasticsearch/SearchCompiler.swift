import ChatRooms
import Drivers
import Foundation

/// Compiles a search's tree to Elasticsearch's query language.
///
/// Where the index cannot tell (see `LiteralCheck`), the compiled query finds too much rather than too little: under
/// `not` that means excluding only what certainly matches.
struct SearchCompiler {
  /// Rooms that the query names; those that do not exist, or that the caller may not know of, are missing.
  private let rooms: NamedRooms

  static let nothing: JSONValue = ["match_none": [:]]
  static let everything: JSONValue = ["match_all": [:]]
  /// Values of one `terms` query.
  static let slice = 1_024

  /// Parts that carry their place in this list as a name, so that each hit says which of them it matched. Each costs
  /// the index a look for every hit.
  private let named: [SearchQuery]
  private let query: SearchQuery
  /// The longest literals: their first word is looked for within the index's words. Each costs a look at every word
  /// that there is; what goes beyond is left to the check.
  private let searchedWithinWords: [SearchQuery]
  private static let mostSearchedWithinWords = 4
  private static let shortestWorthMany = 3
  /// So many beginnings that they are put together where any will do.
  private let areBeginningsMany: Bool
  private static let mostScoredBeginnings = 4

  init(_ query: SearchQuery, rooms: NamedRooms) {
    self.query = query
    self.rooms = rooms
    let literals = query.leaves.filter { if case .literal = $0 { true } else { false } }
    let longest = literals.sorted { Self.length($0) > Self.length($1) }
    // Of short ones, which are within most messages, one narrows as well as four.
    let count = max(1, longest.count { Self.length($0) >= Self.shortestWorthMany })
    searchedWithinWords = Array(longest.prefix(min(count, Self.mostSearchedWithinWords)))
    areBeginningsMany = query.leaves.count { if case .prefix = $0 { true } else { false } } > Self.mostScoredBeginnings
    named = LiteralCheck.asked(by: LiteralCheck.remainder(of: query))
  }

  private static func length(_ literal: SearchQuery) -> Int {
    if case .literal(let text) = literal { text.utf8.count } else { 0 }
  }

  /// - Parameter exact: what comes before everything else by relevance; `nil` if that is all the query.
  func compile(exact: SearchQuery? = nil) -> JSONValue {
    let wide = compile(query, isNegated: false)
    guard let exact, exact != query else { return wide }
    let first: JSONValue = [
      "constant_score": ["filter": compile(exact, isNegated: false), "boost": .number(SearchRelevance.exactScore)]
    ]
    return ["bool": ["must": [wide], "should": [first]]]
  }

  private func compile(_ query: SearchQuery, isNegated: Bool) -> JSONValue {
    switch query {
    case .not(let part): return ["bool": ["must_not": [compile(part, isNegated: !isNegated)]]]
    case .all(let parts): return Self.conjunction(Self.withOneNegation(parts).map { compile($0, isNegated: isNegated) })
    case .any(let parts): return any(parts, isNegated)
    default: break
    }
    if isNegated, LiteralCheck.isNeeded(for: query) { return Self.nothing }
    guard let name = named.firstIndex(of: query) else { return leaf(query) }
    return ["bool": ["must": [leaf(query)], "_name": .string("\(name)")]]
  }

  private func leaf(_ query: SearchQuery) -> JSONValue {
    switch query {
    case .everything: Self.everything
    case .word(let text): Self.word(text)
    case .phrase(let text):
      Self.conjunction([Self.phrase(text, of: query)] + Self.signs(LiteralCheck.trimmed(text)))
    case .prefix(let text): Self.prefix(text)
    case .literal(let text): Self.literal(text, isSearchedWithinWords: searchedWithinWords.contains(query))
    case .author(let name): Self.term("user", name)
    case .room(let reference): room(reference)
    case .time(let from, let to): Self.time(from, to)
    case .has(let feature): Self.term("has", feature.rawValue)
    case .mentions(let name): Self.term("mentions", name)
    case .link(let host): Self.term("links", host.lowercased())
    case .not, .all, .any: Self.everything
    }
  }

  /// What is excluded, as one part: the index then goes through it once.
  private static func withOneNegation(_ parts: [SearchQuery]) -> [SearchQuery] {
    let excluded = parts.compactMap { if case .not(let part) = $0 { part } else { nil } }
    guard excluded.count > 1 else { return parts }
    return parts.filter { if case .not = $0 { false } else { true } } + [.not(.any(excluded))]
  }

  private func any(_ parts: [SearchQuery], _ isNegated: Bool) -> JSONValue {
    guard !parts.isEmpty else { return Self.nothing }
    let (beginnings, others) = areBeginningsMany ? Self.beginnings(among: parts, apartFrom: named) : ([], parts)
    let clauses = beginnings + others.map { compile($0, isNegated: isNegated) }
    // What matches everything makes the rest useless, but to those who ask which of them matched.
    let isAsked = named.contains { name in others.contains { $0.leaves.contains(name) } }
    return clauses.contains(Self.everything) && !isAsked ? Self.everything : Self.disjunction(clauses)
  }

  static func disjunction(_ clauses: [JSONValue]) -> JSONValue {
    clauses.count == 1 ? clauses[0] : ["bool": ["should": .array(clauses), "minimum_should_match": 1]]
  }

  /// `must`, so that `relevance` scores it; within a filter it costs the same.
  static func conjunction(_ all: [JSONValue]) -> JSONValue {
    let clauses = all.filter { $0 != everything }
    return clauses.isEmpty ? everything : clauses.count == 1 ? clauses[0] : ["bool": ["must": .array(clauses)]]
  }

  private func room(_ reference: SearchQuery.RoomReference) -> JSONValue {
    let named = rooms.filter { $0.reference == reference }
    return named.isEmpty ? Self.nothing : Self.disjunction(named.map { Self.term("room.key", "\($0.room.id)") })
  }

  static func term(_ field: String, _ value: String) -> JSONValue { ["term": .object([(field, .string(value))])] }

  private static func time(_ from: Milliseconds?, _ to: Milliseconds?) -> JSONValue {
    var bounds = JSONObject()
    if let from { bounds.members.append(("gte", .integer(from))) }
    if let to { bounds.members.append(("lt", .integer(to))) }
    return ["range": ["timestamp": .object(bounds)]]
  }

  /// The analyzer cuts the words; their parts must stand next to each other.
  ///
  /// - Parameter query: the part of a search that the text is all of. Where it has no word it is left to the check, and
  ///   stands nowhere if there will be none: marks alone (a lone accent) are no text.
  static func phrase(_ text: String, of query: SearchQuery? = nil) -> JSONValue {
    var analysis = TextAnalysis()
    guard analysis.tokens(text).isEmpty else { return ["match_phrase": ["text": .string(IndexedText.of(text))]] }
    return query.map(LiteralCheck.isNeeded) ?? true ? everything : nothing
  }

  /// A word, a part of a name, a version that a `v` may stand before; or a word with signs.
  private static func word(_ text: String) -> JSONValue {
    if LiteralCheck.isNeeded(for: .word(text)) {
      return conjunction([phrase(text)] + signs(LiteralCheck.trimmed(text)))
    }
    var analysis = TextAnalysis()
    var choices = [phrase(text, of: .word(text))]
    if let part = ExtraTerms.part(analysis.tokens(text)) { choices.append(term("parts", part)) }
    if ExtraTerms.isVersion(text) { choices.append(term("signs", text)) }
    return disjunction(choices)
  }

  /// What the text must hold for the check to find the signs of a word there. Lone quotes and dots are in no index.
  static func signs(_ text: String, isPrefix: Bool = false) -> [JSONValue] {
    ExtraTerms.signs(of: FoldedText(text), isPrefix: isPrefix).map { term("signs", $0) }
  }

  /// The words within it stand whole in the text; the first and the last may be parts of longer ones.
  private static func literal(_ text: String, isSearchedWithinWords: Bool) -> JSONValue {
    let scalars = IndexedText.of(text).unicodeScalars
    let runs = scalars.split { !SearchFolding.isWordScalar($0) }
    let clauses = runs.map { run -> JSONValue in
      if run.contains(where: SearchFolding.isCJK) { return everything }
      let word = SearchFolding.analyzed(String(run))
      let isCutBefore = run.startIndex == scalars.startIndex
      let isCutAfter = run.endIndex == scalars.endIndex
      if !isCutBefore, !isCutAfter { return phrase(String(run)) }
      if word.isEmpty { return everything }
      if !isCutBefore { return ["prefix": ["text": .string(word)]] }
      guard isSearchedWithinWords else { return everything }
      // Elasticsearch refuses patterns that are very long.
      let isLong = word.count > longestPattern
      return ["wildcard": ["text": .string("*\(word.prefix(longestPattern))\(isCutAfter || isLong ? "*" : "")")]]
    }
    return conjunction(clauses + cjkRuns(scalars))
  }

  private static let longestPattern = 50

  /// Runs of Han and kana are substrings as phrases, wherever they are cut.
  private static func cjkRuns(_ scalars: String.UnicodeScalarView) -> [JSONValue] {
    scalars.split { !SearchFolding.isCJK($0) }.map { phrase(String($0)) }
  }
}

extension SearchCompiler {
  /// What the caller may read, enforced within the query: nothing else is counted, sorted or highlighted.
  static func scope(_ request: SearchRequest) -> (filter: [JSONValue], exclude: [JSONValue]) {
    var filter: [JSONValue] = []
    if !request.scope.isUnlimited {
      let readable: [JSONValue] = [["term": ["public": true]]] + terms("room.key", request.scope.rooms)
      filter.append(["bool": ["should": .array(readable), "minimum_should_match": 1]])
    }
    if !request.rooms.isEmpty {
      let chosen = terms("room.key", request.rooms.map(\.id))
      filter.append(["bool": ["should": .array(chosen), "minimum_should_match": 1]])
    }
    return (filter, [["term": ["deleted": true]]] + terms("room.key", request.scope.closedRooms))
  }

  private static func terms(_ field: String, _ ids: [RoomID]) -> [JSONValue] {
    stride(from: 0, to: ids.count, by: slice).map { start in
      let values = ids[start..<min(start + slice, ids.count)].map { JSONValue.string("\($0)") }
      return ["terms": .object([(field, .array(values))])]
    }
  }
}

extension JSONValue {
  static func object(_ members: [(String, JSONValue)]) -> JSONValue {
    .object(JSONObject(members.map { (name: $0.0, value: $0.1) }))
  }
}

extension SearchQuery {
  /// The parts that are not made of others, each once.
  var leaves: [SearchQuery] {
    switch self {
    case .not(let part): part.leaves
    case .all(let parts), .any(let parts):
      parts.flatMap(\.leaves).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    default: [self]
    }
  }
}
