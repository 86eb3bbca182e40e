import ChatRooms
import Drivers

/// What an index of Elasticsearch holds of a deleted user: documents in the state that it has of them.
///
/// Found by name, as ids of users are not searchable; a document's id decides.
struct IndexTraces {
  static let page = 1_000
  private static let timeout: Duration = .seconds(30)

  let client: ElasticsearchClient
  /// An alias, or one generation.
  let index: String

  struct Found {
    var message: Message
    var routing: String
  }

  /// Hands over what is found, page by page. Returns how much.
  func forEachPage(of erasure: Erasure, _ body: ([Found]) async throws -> Void) async throws -> Int {
    var found = 0
    var place: String?
    repeat {
      let (page, next) = try await page(of: erasure, after: place)
      found += page.count
      if !page.isEmpty { try await body(page) }
      place = next
    } while place != nil
    return found
  }

  private func page(of erasure: Erasure, after place: String?) async throws -> (found: [Found], next: String?) {
    var body = JSONWriter()
    body.object {
      $0.member("size", Self.page)
      $0.member("track_total_hits", false)
      $0.key("query")
      Self.filter(erasure, in: &$0)
      $0.key("sort")
      // The order in which the index lies.
      $0.raw(#"[{"room":"asc"},{"seq":"desc"}]"#)
      guard let place else { return }
      $0.key("search_after")
      $0.raw(place)
    }
    let reply = try await client.search(
      in: index,
      "allow_partial_search_results=false&filter_path=timed_out,_shards.total,_shards.successful,_shards.failed,"
        + "hits.hits._source,hits.hits._routing,hits.hits.sort", body: body.bytes, timeout: Self.timeout)
    guard reply["timed_out"]?.boolean == false, try ShardCounts(reply["_shards"]).failed == 0 else {
      throw UnexpectedReply(expected: "all shards in time")
    }
    // `filter_path` leaves `hits` out where there are none.
    let hits = reply["hits"]?["hits"]?.array ?? []
    let found = hits.compactMap { hit in
      hit["_source"].flatMap(MessageDocument.message).map {
        Found(message: $0, routing: hit["_routing"]?.string ?? "\($0.room)")
      }
    }
    let next = hits.count == Self.page ? hits.last?["sort"]?.compact : nil
    return (found.filter { $0.message.userID == erasure.user }, next)
  }

  static func filter(_ erasure: Erasure, in writer: inout JSONWriter) {
    writer.object {
      $0.key("bool")
      $0.object {
        $0.key("filter")
        $0.array {
          $0.object {
            $0.key("term")
            $0.object { $0.member("user", erasure.name) }
          }
        }
      }
    }
  }
}
