import ChatRooms
import Drivers

/// Facets as Elasticsearch counts them.
extension SearchFacets {
  /// Counted on each shard, so that the best are known although the tail's hits are added, and over several shards.
  private static let bucketsCounted: Int64 = 200

  static func aggregations(_ kinds: [Kind], timeZone: String) -> JSONValue {
    .object(JSONObject(kinds.map { (name: $0.rawValue, value: aggregation($0, timeZone)) }))
  }

  private static func aggregation(_ kind: Kind, _ timeZone: String) -> JSONValue {
    switch kind {
    case .room: ["terms": ["field": "room", "size": .integer(bucketsCounted)]]
    case .user: ["terms": ["field": "user", "size": .integer(bucketsCounted)]]
    case .month:
      [
        "date_histogram": [
          "field": "timestamp", "calendar_interval": "month", "format": "yyyy-MM", "time_zone": .string(timeZone),
          "min_doc_count": 1,
        ]
      ]
    }
  }

  /// - Parameters:
  ///   - reply: `aggregations` of a reply; the index's part.
  ///   - tail: matches that the index does not show.
  init(_ kinds: [Kind], _ reply: JSONValue?, tail: [Message], timeZone: String) {
    self.init()
    let months = SearchMonths(timeZone: timeZone)
    for kind in kinds {
      var counts: [String: Int] = [:]
      for bucket in reply?[kind.rawValue]?["buckets"]?.array ?? [] {
        guard let value = Self.value(bucket, kind), let count = bucket["doc_count"]?.integer else { continue }
        counts[value, default: 0] += Int(clamping: count)
      }
      for message in tail { counts[Self.value(message, kind, months), default: 0] += 1 }
      set(kind, counts)
    }
  }

  private static func value(_ bucket: JSONValue, _ kind: Kind) -> String? {
    switch kind {
    case .room: bucket["key"]?.integer.map(String.init)
    case .user: bucket["key"]?.string
    case .month: bucket["key_as_string"]?.string
    }
  }

  private static func value(_ message: Message, _ kind: Kind, _ months: SearchMonths) -> String {
    switch kind {
    case .room: String(message.room)
    case .user: message.user
    case .month: months.month(of: message.timestamp)
    }
  }
}
