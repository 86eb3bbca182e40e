import ChatRooms
import Drivers
import HistoryIndex

/// A page of hits with what is shown beside them, as `GET /v1/search` and `palaver search --json` write it.
struct SearchResults: Sendable {
  var page: SearchPage
  /// Of the rooms that are named in the page; those without a name have `nil`.
  var names: [RoomID: String?]
  /// Messages around each hit, by the hit's id; `nil` where none were asked for.
  var context: [String: [Message]]?
  var milliseconds: Int

  /// About as many bytes as it has when it is written.
  var size: Int {
    let around = context?.values.lazy.flatMap { $0 }.reduce(0) { $0 + $1.text.utf8.count + 400 } ?? 0
    return page.hits.reduce(1_024 + around) { $0 + $1.message.text.utf8.count + 500 }
  }

  /// The members of the reply, without the braces.
  func write(to writer: inout JSONWriter) {
    writer.key("hits")
    writer.array { for hit in page.hits { write(hit, to: &$0) } }
    writer.key("rooms")
    writer.object {
      for (id, name) in names.sorted(by: { $0.key < $1.key }) {
        $0.key(String(id))
        $0.object {
          $0.key("name")
          if let name { $0.value(name) } else { $0.null() }
        }
      }
    }
    writer.key("total")
    writer.object {
      $0.member("value", page.total)
      $0.member("relation", page.isTotalLowerBound ? "gte" : "eq")
    }
    if let facets = page.facets {
      writer.key("facets")
      writer.object { Self.write(facets, to: &$0) }
    }
    writer.key("next")
    if let next = page.next { writer.value(next) } else { writer.null() }
    writer.member("took_ms", milliseconds)
    writer.member("complete", page.isComplete)
    writer.member("fresh_as_of", page.freshAsOf)
  }

  /// Each hit as a JSON object of its own.
  var lines: [String] {
    page.hits.map { hit in
      var writer = JSONWriter()
      write(hit, to: &writer)
      return writer.string
    }
  }

  private func write(_ hit: SearchHit, to writer: inout JSONWriter) {
    writer.object {
      $0.key("message")
      $0.object { MessageWire.members(of: hit.message, in: &$0) }
      $0.key("score")
      if let score = hit.score { $0.value(score) } else { $0.null() }
      $0.key("highlights")
      $0.array {
        for highlight in hit.highlights {
          $0.array {
            $0.value(highlight.start)
            $0.value(highlight.length)
          }
        }
      }
      guard let context else { return }
      $0.key("context")
      $0.array {
        for message in context[hit.message.id] ?? [] { $0.object { MessageWire.members(of: message, in: &$0) } }
      }
    }
  }

  private static func write(_ facets: SearchFacets, to writer: inout JSONWriter) {
    for kind in SearchFacets.Kind.allCases {
      guard let buckets = facets.buckets[kind] else { continue }
      writer.key(kind.rawValue)
      writer.array {
        for bucket in buckets {
          $0.object {
            $0.key("value")
            if kind == .room, let id = RoomID(bucket.value) { $0.value(id) } else { $0.value(bucket.value) }
            $0.member("count", bucket.count)
          }
        }
      }
    }
    writer.member("relation", facets.isUpperBound ? "lte" : "eq")
  }
}
