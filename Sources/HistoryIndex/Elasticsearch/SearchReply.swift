import Drivers

/// What a `_search` found.
struct SearchReply {
  struct Found {
    var hit: SearchHit
    /// Names of the parts of the query that it matched.
    var matched: [String]
  }

  var hits: [Found]
  var total: Int
  var isTotalLowerBound: Bool
  /// Every shard answered in time.
  var isComplete: Bool
  /// What was counted.
  var aggregations: JSONValue?

  /// - Throws: `UnexpectedReply`.
  init(_ reply: JSONValue) throws {
    guard let total = reply["hits"]?["total"]?["value"]?.integer,
      let relation = reply["hits"]?["total"]?["relation"]?.string
    else { throw UnexpectedReply(expected: "hits") }
    self.total = Int(clamping: total)
    isTotalLowerBound = relation != "eq"
    isComplete = try reply["timed_out"]?.boolean == false && ShardCounts(reply["_shards"]).failed == 0
    aggregations = reply["aggregations"]
    // `filter_path` leaves an empty list out.
    hits = try (reply["hits"]?["hits"]?.array ?? []).map(Self.found)
  }

  private static func found(_ hit: JSONValue) throws -> Found {
    guard let message = hit["_source"].flatMap(MessageDocument.message) else {
      throw UnexpectedReply(expected: "a message")
    }
    let found = SearchHit(
      message: message, score: hit["_score"]?.number, highlights: [])
    return Found(hit: found, matched: (hit["matched_queries"]?.array ?? []).compactMap(\.string))
  }

  static let filterPath =
    "timed_out,_shards.total,_shards.successful,_shards.failed,hits.total,hits.hits._source,hits.hits._score,"
    + "hits.hits.matched_queries,aggregations.*.buckets"
}
