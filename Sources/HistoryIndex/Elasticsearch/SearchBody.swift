import ChatRooms
import Drivers

/// The body of a `_search`.
struct SearchBody {
  /// Hits are counted up to here.
  static let countedHits: Int64 = 10_000

  var request: SearchRequest
  /// The compiled tree.
  var query: JSONValue
  /// Documents that are not to be found: their newer state is known from elsewhere.
  var hidden: [String] = []
  var size: Int
  var after: SearchPosition?
  /// Shards that pass it give what they have.
  var timeout: Milliseconds = 2_000
  /// What recency counts from.
  var now: Milliseconds = 0
  var facets: [SearchFacets.Kind] = []

  var json: JSONValue {
    var body: JSONValue = [
      "size": .integer(Int64(size)), "track_total_hits": .integer(Self.countedHits), "timeout": .string("\(timeout)ms"),
      "query": boolean, "sort": Self.order(request.sort),
    ]
    if let after { body.append("search_after", after.values(request.sort)) }
    if !facets.isEmpty { body.append("aggs", SearchFacets.aggregations(facets, timeZone: request.timeZone)) }
    return body
  }

  private var boolean: JSONValue {
    var (filter, exclude) = SearchCompiler.scope(request)
    if !hidden.isEmpty { exclude.append(["ids": ["values": .array(hidden.map(JSONValue.string))]]) }
    var clauses: JSONValue = ["must_not": .array(exclude)]
    if request.sort == .relevance {
      clauses.append("must", [query])
      clauses.append("should", [recency])
    } else {
      filter.append(query)
    }
    clauses.append("filter", .array(filter))
    return ["bool": clauses]
  }

  private var recency: JSONValue {
    [
      "distance_feature": [
        "field": "timestamp", "origin": .string("\(now)"), "pivot": .string("\(SearchRecency.pivotDays)d"),
        "boost": .number(SearchRecency.weight),
      ]
    ]
  }

  private static func order(_ sort: SearchSort) -> JSONValue {
    let direction: JSONValue = sort == .oldest ? "asc" : "desc"
    let position: [JSONValue] = [["timestamp": direction], ["room": direction], ["seq": direction]]
    return .array(sort == .relevance ? [["_score": "desc"]] + position : position)
  }
}

/// A place in the order of hits.
struct SearchPosition: Equatable {
  var timestamp: Milliseconds
  var room: RoomID
  var seq: Int64
  var score: Double?

  init(_ message: Message, score: Double?) {
    timestamp = message.timestamp
    room = message.room
    seq = message.seq
    self.score = score
  }

  init(_ cursor: SearchCursor) {
    timestamp = cursor.timestamp
    room = cursor.room
    seq = cursor.seq
    score = cursor.score
  }

  /// What `search_after` takes.
  fileprivate func values(_ sort: SearchSort) -> JSONValue {
    let position: [JSONValue] = [.integer(timestamp), .integer(room), .integer(seq)]
    return .array(sort == .relevance ? [.number(score ?? 0)] + position : position)
  }

  /// `message` comes behind this place in a search by time.
  func precedes(_ message: Message, _ sort: SearchSort) -> Bool {
    let here = (timestamp, room, seq)
    let there = (message.timestamp, message.room, message.seq)
    return sort == .oldest ? here < there : here > there
  }
}

extension JSONValue {
  /// Adds a member to an object.
  fileprivate mutating func append(_ name: String, _ value: JSONValue) {
    guard case .object(var object) = self else { return }
    object.members.append((name, value))
    self = .object(object)
  }
}
