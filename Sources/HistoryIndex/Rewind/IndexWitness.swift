import ChatRooms
import Drivers

/// What the index knows of rooms, whatever the database says: the witness of what was lost.
public struct IndexWitness: Sendable {
  /// Documents read at once.
  static let page = 1_000

  private let client: ElasticsearchClient
  private let alias: String

  public init(client: ElasticsearchClient, names: IndexNames) {
    self.client = client
    alias = names.read
  }

  /// Makes what was indexed last visible to the other calls.
  func refresh() async throws { _ = try await client.refresh(alias) }

  /// What was indexed last, newest first, each document as the event that wrote it.
  ///
  /// - Parameter place: where the page before ended; `nil` to begin.
  /// - Returns: the documents, and where the next page begins, `nil` after the last.
  func newestWrites(
    after place: String?, timeout: Duration
  ) async throws -> (documents: [RoomEvent], next: String?) {
    var body = JSONWriter()
    body.object {
      $0.member("size", Self.page)
      $0.member("track_total_hits", false)
      $0.key("sort")
      // The order in which a shard took its documents.
      $0.raw(#"[{"_seq_no":"desc"}]"#)
      guard let place else { return }
      $0.key("search_after")
      $0.raw(place)
    }
    return try await documents(body, timeout: timeout)
  }

  /// A room's messages after one, rising by `seq`; at most a page.
  func messages(in room: RoomID, after seq: Int64) async throws -> [RoomEvent] {
    var body = JSONWriter()
    body.object {
      $0.member("size", Self.page)
      $0.member("track_total_hits", false)
      $0.key("query")
      $0.raw(
        #"{"bool":{"filter":[{"term":{"room.key":"\#(room)"}},{"range":{"seq":{"gt":\#(seq)}}}]}}"#)
      $0.key("sort")
      $0.raw(#"[{"seq":"asc"}]"#)
    }
    return try await documents(body, timeout: .seconds(30)).documents
  }

  /// The newest `seq` of each room, by rising room; at most a page.
  func newestMessages(after room: RoomID) async throws -> [(room: RoomID, seq: Int64)] {
    var body = JSONWriter()
    body.object {
      $0.member("size", 0)
      $0.key("aggs")
      $0.raw(
        #"{"rooms":{"composite":{"size":\#(Self.page),"after":{"room":\#(room)},"#
          + #""sources":[{"room":{"terms":{"field":"room"}}}]},"aggs":{"last":{"max":{"field":"seq"}}}}}"#)
    }
    let reply = try await client.search(
      in: alias, "allow_partial_search_results=false&filter_path=timed_out,_shards.failed,aggregations",
      body: body.bytes, timeout: .seconds(300))
    guard let buckets = reply["aggregations"]?["rooms"]?["buckets"]?.array else {
      throw UnexpectedReply(expected: "aggregations.rooms.buckets")
    }
    return try buckets.map { bucket in
      guard let room = bucket["key"]?["room"]?.integer, let seq = bucket["last"]?["value"].flatMap(Self.integer) else {
        throw UnexpectedReply(expected: "a room and its newest seq")
      }
      return (room, seq)
    }
  }

  /// Aggregations answer with floating point numbers.
  private static func integer(_ value: JSONValue) -> Int64? {
    if case .number(let number) = value { Int64(exactly: number) } else { value.integer }
  }

  private func documents(
    _ body: JSONWriter, timeout: Duration
  ) async throws -> (documents: [RoomEvent], next: String?) {
    let reply = try await client.search(
      in: alias,
      "allow_partial_search_results=false"
        + "&filter_path=timed_out,_shards.failed,hits.hits._source,hits.hits._routing,hits.hits.sort",
      body: body.bytes, timeout: timeout)
    guard reply["timed_out"]?.boolean == false, reply["_shards"]?["failed"]?.integer == 0 else {
      throw UnexpectedReply(expected: "all shards in time")
    }
    // `filter_path` leaves `hits` out where there are none.
    let hits = reply["hits"]?["hits"]?.array ?? []
    let next = hits.count == Self.page ? hits.last?["sort"]?.compact : nil
    return (hits.compactMap { Self.event($0) }, next)
  }

  /// The event that wrote a document. The lane and the position are not known to the index.
  private static func event(_ hit: JSONValue) -> RoomEvent? {
    guard let source = hit["_source"], let message = MessageDocument.message(source) else { return nil }
    let kind: RoomEvent.Kind = message.isDeleted ? .deletion : message.revised > message.event ? .edit : .message
    return RoomEvent(
      kind: kind, event: message.revised, lastSeq: message.seq, message: message,
      timestamp: message.editedAt ?? message.timestamp, lane: 0, position: 0,
      routing: hit["_routing"]?.string ?? "\(message.room)",
      roomKind: source["public"]?.boolean == true ? .public : .private, nonce: source["nonce"]?.integer ?? 0)
  }
}
