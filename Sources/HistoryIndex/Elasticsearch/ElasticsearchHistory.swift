import ChatRooms
import Drivers

/// The index's part of history: messages as Elasticsearch holds them, deleted ones as tombstones.
///
/// What is missing in a result may be in the journal only; see `JournaledHistory`.
public struct ElasticsearchHistory: Sendable {
  private let client: ElasticsearchClient
  private let alias: String
  private let timeout: Duration
  private let gate: ReadGate

  /// Reads at once of one server, where nothing else is set.
  public static let defaultReads = 16

  /// - Parameters:
  ///   - reads: at once; others wait for their turn.
  ///   - timeout: of a read, and of waiting for its turn.
  public init(
    client: ElasticsearchClient, names: IndexNames, reads: Int = defaultReads, timeout: Duration = .seconds(5)
  ) {
    self.client = client
    self.alias = names.read
    self.timeout = timeout
    gate = ReadGate(width: reads, patience: timeout)
  }

  /// What a search sees of a range, rising. The range is bounded at both ends, so that the cost does not grow with the
  /// room.
  ///
  /// - Throws: also where a shard did not answer: a hole would be taken for the truth.
  func messages(room: Room, seqs: ClosedRange<Int64>) async throws -> [Message] {
    try await search(room, size: seqs.count) {
      $0.key("range")
      $0.object {
        $0.key("seq")
        $0.object {
          $0.member("gte", seqs.lowerBound)
          $0.member("lte", seqs.upperBound)
        }
      }
    }
  }

  /// As above, for single messages.
  func messages(room: Room, seqs: [Int64]) async throws -> [Message] {
    try await search(room, size: seqs.count) {
      $0.key("terms")
      $0.object {
        $0.key("seq")
        $0.array { for seq in seqs { $0.value(seq) } }
      }
    }
  }

  /// Messages as they are at this moment, refreshed or not. Those that do not exist are left out.
  func currentMessages(room: Room, seqs: [Int64]) async throws -> [Message] {
    let ids = seqs.map { (id: MessageDocument.id(room: room.id, seq: $0), routing: room.routing) }
    let documents = try await gate.pass {
      try await client.documents(in: alias, ids: ids, timeout: timeout, failsFast: true)
    }
    return try documents.compactMap { try $0.map(Self.message) }
  }

  private func search(
    _ room: Room, size: Int, _ condition: (inout JSONWriter) -> Void
  ) async throws -> [Message] {
    var body = JSONWriter()
    body.object {
      $0.member("size", size)
      $0.member("track_total_hits", false)
      $0.key("query")
      $0.object { Self.filter(room, condition, in: &$0) }
      $0.key("sort")
      $0.raw(#"[{"seq":"asc"}]"#)
    }
    let parameters =
      "routing=\(room.routing.percentEncoded)&allow_partial_search_results=false"
      + "&filter_path=timed_out,_shards.total,_shards.successful,_shards.failed,hits.hits._source"
    let bytes = body.bytes
    let reply = try await gate.pass {
      try await client.search(in: alias, parameters, body: bytes, timeout: timeout)
    }
    guard reply["timed_out"]?.boolean == false, try ShardCounts(reply["_shards"]).failed == 0 else {
      throw UnexpectedReply(expected: "all shards in time")
    }
    // `filter_path` leaves `hits` out where there are none.
    return try (reply["hits"]?["hits"]?.array ?? []).map { try Self.message($0["_source"] ?? .null) }
  }

  private static func filter(
    _ room: Room, _ condition: (inout JSONWriter) -> Void, in writer: inout JSONWriter
  ) {
    writer.key("bool")
    writer.object {
      $0.key("filter")
      $0.array {
        $0.object {
          $0.key("term")
          $0.object { $0.member("room.key", "\(room.id)") }
        }
        $0.object { condition(&$0) }
      }
    }
  }

  private static func message(_ source: JSONValue) throws -> Message {
    guard let message = MessageDocument.message(source) else { throw UnexpectedReply(expected: "a message") }
    return message
  }
}
