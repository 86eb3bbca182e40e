import ChatRooms
import Drivers
import FakeHTTPServer
import Testing

@testable import HistoryIndex

/// What indexing costs in counts, which no busy machine changes.
@Suite(.timeLimit(.minutes(1))) struct IndexingCountTests {
  private static let fine = FakeHTTPServer.Answer.reply(200, #"{"errors":false}"#)

  private func elasticsearch() throws -> (FakeHTTPServer, TestElasticsearch) {
    let server = try FakeHTTPServer { request in
      request.line.contains("_bulk")
        ? Self.fine : .reply(200, #"{"_shards":{"total":1,"successful":1,"failed":0}}"#)
    }
    return (server, TestElasticsearch("counts", origin: server.origin))
  }

  private func bulks(_ server: FakeHTTPServer) -> [FakeHTTPServer.Request] {
    server.requests.filter { $0.line.contains("_bulk") }
  }

  @Test func aPlainMessageTakesAtMost300BytesBesideItsText() {
    let text = "a message of words alone, as most are"
    let event = RoomEvent.sent(
      room: 1_000_000, seq: 1_000_000, user: "somebody", text, at: 1_700_000_000_000, nonce: Int64.min)
    let batch = BulkBatch([event])
    #expect(batch.body.count - text.utf8.count <= 300)
  }

  @Test func aDrainOfTenThousandMessagesTakesFiveRequestsAtMost() async throws {
    let (server, elastic) = try elasticsearch()
    defer {
      server.stop()
      elastic.http.close()
    }
    let journal = MemoryJournal(laneCount: 1)
    for seq in 1...10_000 { journal.append(.sent(seq: Int64(seq), "message \(seq)")) }
    try await running(elastic.indexer(journal)) { journal.isDrained }
    #expect(bulks(server).count <= 5)
  }

  @Test func batchesOfSeveralLanesShareRequests() async throws {
    let (server, elastic) = try elasticsearch()
    defer {
      server.stop()
      elastic.http.close()
    }
    let journal = MemoryJournal(laneCount: 16)
    for number in 1...1_600 { journal.append(.sent(room: Int64(number % 16), seq: Int64(number), "message")) }
    try await running(elastic.indexer(journal)) { journal.isDrained }
    #expect(bulks(server).count == 1)
  }

  @Test func anImportedBatchIsOneRequest() async throws {
    let (server, elastic) = try elasticsearch()
    defer {
      server.stop()
      elastic.http.close()
    }
    let writer = BulkWriter(
      client: elastic.client, alias: elastic.names.write, log: .silent, metrics: IndexerMetrics(Metrics()))
    let events = (1...2_500).map { RoomEvent.sent(seq: Int64($0), "message \($0)") }
    let fates = try await writer.write(BulkBatch(events))
    #expect(fates == Array(repeating: .indexed, count: events.count))
    #expect(bulks(server).count == 1)
  }

  @Test func whatIsRenderedAtOnceIsWhatIsRenderedOneByOne() {
    let events = (1...20).map { RoomEvent.sent(seq: Int64($0), "see http://a.b/\($0) `x` @Bob c++ getUserByID v1.2") }
    var batch = BulkBatch()
    for event in events { batch.append(event) }
    let atOnce = BulkBatch(events)
    #expect(atOnce.body == batch.body && atOnce.events == events)
    #expect(atOnce.body(of: [3, 4]) == batch.body(of: [3, 4]))
  }
}
