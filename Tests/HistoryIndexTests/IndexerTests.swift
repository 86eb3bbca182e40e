import ChatRooms
import Drivers
import FakeHTTPServer
import Foundation
import Testing

@testable import HistoryIndex

/// On the real Elasticsearch that `PALAVER_TEST_ELASTICSEARCH` names (`http://host:port`).
@Suite(.enabled(if: TestElasticsearch.isThere), .timeLimit(.minutes(1))) struct IndexerTests {
  @Test func twoServersMigrateAtOnceAndAgainLater() async throws {
    let elastic = TestElasticsearch("migrate")
    defer { elastic.http.close() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 { group.addTask { try await elastic.generations.migrate() } }
      try await group.waitForAll()
    }
    try await elastic.generations.migrate()
    #expect(try await elastic.generations.aliasesExist())
    try await elastic.generations.dropAll()
    #expect(try await !elastic.generations.aliasesExist())
  }

  @Test func everyEventReachesTheIndexInItsLastState() async throws {
    try await TestElasticsearch.with("drain") { elastic in
      let journal = MemoryJournal()
      for room in Int64(1)...5 {
        for seq in Int64(1)...700 { journal.append(.sent(room: room, seq: seq, "message \(seq)")) }
        journal.append(RoomEvent.sent(room: room, seq: 5, "").edited(event: 701, "changed"))
        journal.append(RoomEvent.sent(room: room, seq: 6, "").deleted(event: 702))
      }
      try await running(elastic.indexer(journal)) { journal.isDrained }
      _ = try await elastic.client.refresh(elastic.names.read)
      let history = ElasticsearchHistory(client: elastic.client, names: elastic.names)
      let messages = try await history.messages(room: .test(3), seqs: 1...700)
      #expect(messages.map(\.seq) == Array(1...700))
      #expect(messages[4].text == "changed" && messages[5].isDeleted && messages[6].text == "message 7")
      #expect(journal.deadLetters.isEmpty)
    }
  }

  @Test func sendingEverythingAgainChangesNothing() async throws {
    try await TestElasticsearch.with("again") { elastic in
      let journal = MemoryJournal()
      for seq in Int64(1)...50 { journal.append(.sent(seq: seq, "message \(seq)")) }
      journal.append(RoomEvent.sent(seq: 7, "").deleted(event: 51))
      try await running(elastic.indexer(journal)) { journal.isDrained }
      journal.rewindCursors()
      try await running(elastic.indexer(journal)) { journal.isDrained }
      let history = ElasticsearchHistory(client: elastic.client, names: elastic.names)
      let messages = try await history.currentMessages(room: .test(1), seqs: Array(1...50))
      #expect(messages.count == 50 && messages[6].isDeleted)
      #expect(journal.deadLetters.isEmpty)
    }
  }

  @Test func anotherEventOfTheSameNumberIsAnAlarm() async throws {
    try await TestElasticsearch.with("clash") { elastic in
      try await elastic.index([.sent(seq: 1, "a message that was lost", nonce: 666)])
      let journal = MemoryJournal()
      journal.append(.sent(seq: 1, "an acknowledged message", nonce: 1))
      try await running(elastic.indexer(journal)) { journal.isDrained }
      #expect(journal.deadLetters.map(\.seq) == [1])
      #expect(journal.deadLetters.first?.document.contains("acknowledged") == true)
    }
  }

  @Test func theJournalIsTrimmedOnceItIsIndexedAndHistoryStaysWhole() async throws {
    try await TestElasticsearch.with("trim") { elastic in
      let journal = MemoryJournal()
      for seq in Int64(1)...100 { journal.append(.sent(seq: seq, "message \(seq)")) }
      try await running(elastic.indexer(journal, keep: 0)) { journal.trimmedCount == 100 }
      journal.append(.sent(seq: 101, "not indexed yet"))
      let history = JournaledHistory(
        journal: journal, index: ElasticsearchHistory(client: elastic.client, names: elastic.names), log: .silent)
      #expect(try await history.messages(in: .test(1), seqs: 1...101).map(\.seq) == Array(1...101))
      #expect(try await history.messages(in: .test(1), seqs: [3, 101, 102]).map(\.seq) == [3, 101])
      let error = await #expect(throws: ChatError.self) { try await history.messages(in: .test(1), seqs: 100...102) }
      #expect(error?.status == 503)
    }
  }

  @Test("Hazard 10: what is indexed and trimmed while history is read is not missing from it")
  func aRowThatIsTrimmedDuringAReadIsNoHole() async throws {
    try await TestElasticsearch.with("trimmed") { elastic in
      let journal = MemoryJournal()
      for seq in Int64(1)...20 { journal.append(.sent(seq: seq, "message \(seq)")) }
      let history = JournaledHistory(
        journal: TrimmedBeforeItAnswers(journal: journal) {
          try await running(elastic.indexer(journal, keep: 0)) { journal.trimmedCount == 20 }
        },
        index: ElasticsearchHistory(client: elastic.client, names: elastic.names), log: .silent)
      let read = try await history.messages(in: .test(1), seqs: 1...20)
      #expect(read.map(\.seq) == Array(1...20))
    }
  }

  /// Whose rows are gone at the moment they are asked for.
  private struct TrimmedBeforeItAnswers: Journal {
    let journal: MemoryJournal
    let trim: @Sendable () async throws -> Void

    var laneCount: Int { journal.laneCount }
    func makeCommitter() -> any JournalCommitter { journal.makeCommitter() }
    func heads() async throws -> [LaneHead] { try await journal.heads() }
    func events(lane: Int, after position: Int64, limit: Int) async throws -> [RoomEvent] {
      try await journal.events(lane: lane, after: position, limit: limit)
    }
    func position(of room: RoomID) async throws -> RoomPosition? { try await journal.position(of: room) }
    func messages(in room: RoomID, seqs: ClosedRange<Int64>) async throws -> [Message] {
      try await trim()
      return try await journal.messages(in: room, seqs: seqs)
    }
    func messages(in room: RoomID, seqs: [Int64]) async throws -> [Message] {
      try await journal.messages(in: room, seqs: seqs)
    }
    func changes(in room: RoomID, after event: Int64, limit: Int) async throws -> [RoomChange] {
      try await journal.changes(in: room, after: event, limit: limit)
    }
    func flush() async throws { try await journal.flush() }
  }

  @Test func whatIsNotRefreshedIsReadAllTheSame() async throws {
    try await TestElasticsearch.with("realtime") { elastic in
      _ = try await elastic.client.call(
        .put, "/\(elastic.names.read)/_settings", Array(#"{"index":{"refresh_interval":"-1"}}"#.utf8))
      var batch = BulkBatch()
      batch.append(.sent(seq: 1, "hidden"))
      _ = try await elastic.client.bulk(into: elastic.names.write, body: batch.body, timeout: .seconds(5))
      let history = JournaledHistory(
        journal: MemoryJournal(), index: ElasticsearchHistory(client: elastic.client, names: elastic.names),
        log: .silent)
      #expect(try await history.messages(in: .test(1), seqs: 1...1).map(\.text) == ["hidden"])
    }
  }

  @Test func outagesOfTheJournalAndLostLeasesLoseNothing() async throws {
    try await TestElasticsearch.with("outage") { elastic in
      let journal = MemoryJournal()
      journal.setDown(true)
      for seq in Int64(1)...2_500 { journal.append(.sent(room: seq % 8, seq: seq, "m")) }
      // The outage is over once it was noticed; the leases change hands once some of the work is done.
      let log = Log { line in
        if String(decoding: line, as: UTF8.self).contains("cannot be drained") { journal.setDown(false) }
      }
      let indexer = elastic.indexer(journal, log: log)
      try await running(indexer) { journal.isPartlyDrained }
      journal.stealLeases()
      try await running(indexer) { journal.isDrained }
      #expect(journal.deadLetters.isEmpty)
    }
  }
}

/// Against a server that misbehaves.
@Suite(.timeLimit(.minutes(1))) struct IndexerSetbackTests {
  /// Answers bulks with one answer after another, the last for good; everything else with a refresh's reply.
  private func server(_ answers: [FakeHTTPServer.Answer]) throws -> FakeHTTPServer {
    let left = Answers(answers)
    return try FakeHTTPServer { request in
      if request.line.contains("_bulk") { return left.next() }
      return .reply(200, #"{"_shards":{"total":1,"successful":1,"failed":0},"docs":[{"found":false}]}"#)
    }
  }

  private func drain(_ answers: [FakeHTTPServer.Answer], events: Int64 = 3) async throws -> (
    bulks: [FakeHTTPServer.Request], journal: MemoryJournal
  ) {
    let server = try server(answers)
    defer { server.stop() }
    let elastic = TestElasticsearch("fake", origin: server.origin)
    defer { elastic.http.close() }
    let journal = MemoryJournal(laneCount: 1)
    for seq in 1...events { journal.append(.sent(seq: seq, "message \(seq)")) }
    try await running(elastic.indexer(journal)) { journal.isDrained }
    return (server.requests.filter { $0.line.contains("_bulk") }, journal)
  }

  private static let fine = FakeHTTPServer.Answer.reply(200, #"{"errors":false}"#)

  private func items(_ statuses: Int...) -> FakeHTTPServer.Answer {
    let items = statuses.map { #"{"index":{"status":\#($0),"error":{"type":"t","reason":"r"}}}"# }
    return .reply(200, #"{"errors":true,"items":[\#(items.joined(separator: ","))]}"#)
  }

  @Test(arguments: [
    FakeHTTPServer.Answer.reply(429, ""), .reply(503, "<html>"), .reset, .bytes("nonsense"), .reply(200, "nonsense"),
    .reply(404, "{}"),
  ])
  func aFailedBulkIsSentAgainUnchanged(answer: FakeHTTPServer.Answer) async throws {
    let (bulks, journal) = try await drain([answer, answer, Self.fine])
    #expect(bulks.count == 3)
    #expect(bulks[0].body == bulks[2].body)
    #expect(journal.deadLetters.isEmpty)
  }

  @Test func onlyTheItemsThatFailedAreSentAgain() async throws {
    let (bulks, journal) = try await drain([items(201, 429, 503), items(201, 429), Self.fine])
    #expect(bulks.map { $0.body.filter { $0 == 10 }.count } == [6, 4, 2])
    #expect(String(decoding: bulks[2].body, as: UTF8.self).contains("message 3"))
    #expect(journal.deadLetters.isEmpty)
  }

  @Test func aBulkThatIsTooLargeIsHalvedUntilItFits() async throws {
    let (bulks, journal) = try await drain([.reply(413, ""), Self.fine], events: 4)
    #expect(bulks.map { $0.body.filter { $0 == 10 }.count } == [8, 4, 4])
    #expect(journal.deadLetters.isEmpty)
  }

  @Test("Hazard 19: nothing is trimmed while a copy of the index is missing, although no shard failed")
  func nothingIsTrimmedWhileACopyIsMissing() async throws {
    let left = Answers([
      .reply(200, #"{"_shards":{"total":2,"successful":1,"failed":0}}"#),
      .reply(200, #"{"_shards":{"total":2,"successful":1,"failed":0}}"#),
      .reply(200, #"{"_shards":{"total":2,"successful":2,"failed":0}}"#),
    ])
    let journal = MemoryJournal(laneCount: 1)
    for seq in Int64(1)...3 { journal.append(.sent(seq: seq, "message \(seq)")) }
    let trimmed = Answers([])
    let server = try FakeHTTPServer { request in
      guard request.line.contains("_refresh") else { return Self.fine }
      trimmed.note(journal.trimmedCount)
      return left.next()
    }
    defer { server.stop() }
    let elastic = TestElasticsearch("copies", origin: server.origin)
    defer { elastic.http.close() }
    try await running(elastic.indexer(journal, keep: 0)) { journal.trimmedCount == 3 }
    #expect(trimmed.noted.prefix(3) == [0, 0, 0], "at each of the first three looks nothing was trimmed yet")
  }

  @Test func aPoisonMessageIsBuriedAndKeptUnindexed() async throws {
    let (bulks, journal) = try await drain([items(201, 400, 201), Self.fine])
    #expect(bulks.count == 2)
    #expect(String(decoding: bulks[1].body, as: UTF8.self).contains(#""text_unindexed":"message 2""#))
    #expect(journal.deadLetters.map(\.position) == [2])
    #expect(journal.deadLetters.first?.reason == "400 t: r")
  }
}

private final class Answers: @unchecked Sendable {
  private let lock = NSLock()
  private var left: [FakeHTTPServer.Answer]

  private var notes: [Int] = []

  init(_ answers: [FakeHTTPServer.Answer]) { left = answers }

  func note(_ number: Int) { lock.withLock { notes.append(number) } }
  var noted: [Int] { lock.withLock { notes } }

  func next() -> FakeHTTPServer.Answer {
    lock.lock()
    defer { lock.unlock() }
    return left.count > 1 ? left.removeFirst() : left[0]
  }
}
