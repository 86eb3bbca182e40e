import Drivers
import TestSupport

/// Reads what is stored in the end: every room's whole history from each server, and the index.
struct FinalState {
  private static let page = 200
  private static let documents = 2_000
  /// Milliseconds.
  private static let patience: RunTime = 60_000

  let stack: FaultyStack

  func room(_ room: Int64, server: Int) throws -> RoomRecord {
    let reply = try read("/v1/chatrooms/\(room)", server)
    guard let lastEvent = reply["last_event"]?.integer, let lastSeq = reply["last_seq"]?.integer else {
      throw TestSupportError("room \(room): \(reply)")
    }
    var record = RoomRecord(room: room, server: server, lastEvent: lastEvent, lastSeq: lastSeq, messages: [])
    var after: Int64 = 0
    while true {
      let page = try read("/v1/chatrooms/\(room)/messages?after=\(after)&limit=\(Self.page)", server)
      guard let list = page["messages"]?.array, let hasMore = page["has_more_after"]?.boolean,
        case let messages = list.compactMap({ SeenMessage($0) }), messages.count == list.count
      else {
        // As before a hole: the checker tells of it.
        record.refusal = "\(page)"
        return record
      }
      record.messages += messages
      guard hasMore, let last = messages.last else { return record }
      after = last.seq
    }
  }

  /// Asks again for as long as the server says "later": a back end that was killed may not be fast yet.
  private func read(_ path: String, _ server: Int) throws -> HTTPTestResponse {
    let clock = RunClock()
    while true {
      let reply = try stack.http(server).get(path)
      guard reply.status == 503, clock.now < Self.patience else { return reply }
      clock.wait(500)
    }
  }

  func lastEvent(of room: Int64) -> Int64? {
    for server in 0..<FaultyStack.serverCount {
      let reply = try? stack.http(server, timeout: .seconds(3)).get("/v1/chatrooms/\(room)")
      if let event = reply?["last_event"]?.integer { return event }
    }
    return nil
  }

  func newestMessage(of room: Int64) -> SeenMessage? {
    let reply = try? stack.http(0, timeout: .seconds(3)).get("/v1/chatrooms/\(room)/messages?limit=1")
    return reply?["messages"]?.array?.first.flatMap { SeenMessage($0) }
  }

  /// Gives the documents of some of the rooms' messages another text.
  func replaceDocuments(in rooms: [Int64]) throws {
    let body = #"{"script":{"source":"ctx._source.text = 'what a lost event said'"},"max_docs":20,"query":{"#
    let query = #""bool":{"filter":[{"exists":{"field":"text"}},{"terms":{"room":\#(rooms)}}]}}}"#
    let index = "/\(stack.indexPrefix)-messages"
    _ = try stack.elasticsearch.post("\(index)/_refresh")
    let reply = try stack.elasticsearch.post(
      "\(index)/_update_by_query?conflicts=proceed&refresh=true", JSONValue(parsing: body + query))
    guard reply["updated"]?.integer ?? 0 > 0 else { throw TestSupportError("nothing replaced: \(reply)") }
  }

  /// Events that no indexer has brought into the index yet, by the journal's own account.
  func unindexed() throws -> Int {
    let text = try stack.backends.mariadb("SELECT COALESCE(SUM(head - indexed), 0) FROM journal_lanes")
    return text.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) } ?? -1
  }

  /// All of the index's documents.
  func indexed() throws -> [IndexedDocument] {
    let alias = "\(stack.indexPrefix)-messages"
    _ = try stack.elasticsearch.post("/\(alias)/_refresh")
    var documents: [IndexedDocument] = []
    var after = ""
    while true {
      let body = #"{"size":\#(Self.documents),"version":true,"sort":["room","seq","_doc"]\#(after)}"#
      let reply = try stack.elasticsearch.post("/\(alias)/_search", JSONValue(parsing: body))
      guard let hits = reply["hits"]?["hits"]?.array, reply["_shards"]?["failed"]?.integer == 0 else {
        throw TestSupportError("documents: \(reply)")
      }
      documents += try hits.map { hit in
        guard let document = IndexedDocument(hit) else { throw TestSupportError("a document: \(hit.compact)") }
        return document
      }
      guard hits.count == Self.documents, let sort = hits.last?["sort"] else { return documents }
      after = #","search_after":\#(sort.compact)"#
    }
  }
}

extension IndexedDocument {
  /// - Parameter hit: of a search, with its version.
  fileprivate init?(_ hit: JSONValue) {
    guard let id = hit["_id"]?.string, let version = hit["_version"]?.integer, let source = hit["_source"],
      let room = source["room"]?.integer, let seq = source["seq"]?.integer, let event = source["event"]?.integer,
      let revised = source["revised"]?.integer, let user = source["user"]?.string
    else { return nil }
    let text = source["text"]?.string ?? source["text_unindexed"]?.string
    self.init(
      id: id, version: version, room: room, seq: seq, event: event, revised: revised, user: user,
      ref: RawUser.ref(source["ref"]?.string, user: user, text: text), text: text,
      isDeleted: source["deleted"]?.boolean ?? false)
  }
}
