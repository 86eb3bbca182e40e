import ChatRooms
import Drivers

/// What a `_search` found.
struct SearchReply {
  struct Found {
    var hit: SearchHit
    /// Names of the parts of the query that it matched.
    var matched: [String] = []
  }

  private(set) var hits: [Found] = []
  private(set) var total = 0
  private(set) var isTotalLowerBound = false
  /// Every shard answered in time.
  private(set) var isComplete = false
  /// What was counted.
  private(set) var aggregations: JSONValue?

  /// Reads the reply from its bytes: most of it are texts, which are made once.
  ///
  /// - Throws: `UnexpectedReply`.
  init(_ body: [UInt8]) throws {
    var (relation, shards, isTimedOut): (String?, JSONValue?, Bool?) = (nil, nil, nil)
    var reader = JSONReader(body)
    do {
      try reader.object { name, reader in
        switch name {
        case .timedOut: isTimedOut = try reader.boolean()
        case .shards: shards = try reader.value()
        case .aggregations: aggregations = try reader.value()
        case .hits: relation = try readHits(&reader)
        default: try reader.skip()
        }
      }
    } catch let error as JSONError {
      throw UnexpectedReply(expected: "JSON (\(error))")
    }
    guard let relation else { throw UnexpectedReply(expected: "hits") }
    isTotalLowerBound = relation != "eq"
    isComplete = try isTimedOut == false && ShardCounts(shards).failed == 0
  }

  /// Returns how the total is meant.
  private mutating func readHits(_ reader: inout JSONReader) throws -> String? {
    var relation: String?
    try reader.object { name, reader in
      switch name {
      case .total:
        let value = try reader.value()
        total = Int(clamping: value["value"]?.integer ?? 0)
        relation = value["value"]?.integer == nil ? nil : value["relation"]?.string
      case .hits: try reader.array { hits.append(try Self.found(&$0)) }
      default: try reader.skip()
      }
    }
    return relation
  }

  private static func found(_ reader: inout JSONReader) throws -> Found {
    var (message, score, matched): (Message?, Double?, [String]) = (nil, nil, [])
    try reader.object { name, reader in
      switch name {
      case .source: message = try MessageDocument.message(&reader)
      case .score: if try !reader.skipNull() { score = try reader.number() }
      case .matchedQueries: try reader.array { matched.append(try $0.string()) }
      default: try reader.skip()
      }
    }
    guard let message else { throw UnexpectedReply(expected: "a message") }
    return Found(hit: SearchHit(message: message, score: score, highlights: []), matched: matched)
  }
}

extension JSONReader.Name {
  fileprivate static let timedOut = Self("timed_out")
  fileprivate static let shards = Self("_shards")
  fileprivate static let aggregations = Self("aggregations")
  fileprivate static let hits = Self("hits")
  fileprivate static let total = Self("total")
  fileprivate static let source = Self("_source")
  fileprivate static let score = Self("_score")
  fileprivate static let matchedQueries = Self("matched_queries")
}
