import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// Damage of each kind, planted in the real MySQL and Elasticsearch.
@Suite(
  .serialized, .enabled(if: JournalFixture.server != nil && TestElasticsearch.isThere, "PALAVER_TEST_… is not set"),
  .timeLimit(.minutes(2)))
struct StackVerifierTests {
  private struct Parts {
    let fixture: JournalFixture
    let elastic: TestElasticsearch
    /// One connection for one thread at a time.
    let committer: CommitterBox

    init(_ fixture: JournalFixture, _ elastic: TestElasticsearch) {
      self.fixture = fixture
      self.elastic = elastic
      committer = CommitterBox(fixture.journal.makeCommitter())
    }

    func commit(_ batch: [Submission]) async throws -> [RoomEvent] {
      var events: [RoomEvent] = []
      for submission in batch { events.append(try await commit(submission)) }
      return events
    }

    func commit(_ submission: Submission) async throws -> RoomEvent {
      try await Blocking.run { try commitAndWait(submission) }
    }

    func commitAndWait(_ submission: Submission) throws -> RoomEvent {
      // A lane whose cursor moves at the moment is busy.
      for _ in 0..<1_000 {
        do {
          if case .committed(let event, _)? = try committer.commit([submission]).first { return event }
        } catch let error as SQLError where error.isRetryable {
          continue
        }
      }
      throw CancellationError()
    }

    func change(_ event: RoomEvent, _ action: Submission.Action) -> Submission {
      Submission(room: fixture.room(event.room), action: action, actor: fixture.john, ref: nil)
    }

    func indexer() -> Indexer {
      var options = IndexerOptions(owner: "test")
      options.poll = .milliseconds(20)
      return Indexer(
        journal: fixture.journal, leases: fixture.leases, client: elastic.client, names: elastic.names,
        options: options, log: .silent, metrics: Metrics())
    }

    func drain() async throws {
      try await running(indexer()) { try await fixture.journal.backlog().waiting == 0 }
      _ = try await elastic.client.refresh(elastic.names.write)
    }

    func verify(repairing: Bool = false, only: RoomID? = nil) async throws -> (VerifySummary, [Finding]) {
      var findings: [Finding] = []
      let summary = try await StackVerifier(
        database: fixture.pool, client: elastic.client, names: elastic.names, isRepairing: repairing
      ).run(only: only) { if case .finding(let finding) = $0 { findings.append(finding) } }
      return (summary, findings)
    }

    /// Makes the index anew with other documents: one that is deleted is remembered for a minute, and what is sent again
    /// of its version refused.
    func replaceDocuments(with events: [RoomEvent]) async throws {
      try await elastic.generations.dropAll()
      try await elastic.generations.migrate()
      try await elastic.index(events)
    }

    func forgetJournal() async throws {
      try await fixture.pool.execute("DELETE FROM journal")
      try await fixture.pool.execute("UPDATE journal_lanes SET trimmed = indexed")
    }
  }

  /// Room 1 with 20 messages, the third edited, the fourth deleted, and room 2 with 5; all indexed.
  private static func with(
    _ body: (Parts, _ first: [RoomEvent], _ present: [RoomEvent]) async throws -> Void
  ) async throws {
    try await JournalFixture.with { fixture in
      try await TestElasticsearch.with("verify") { elastic in
        let parts = Parts(fixture, elastic)
        let first = try await parts.commit((1...20).map { fixture.send("message \($0)") })
        var present = first + (try await parts.commit((1...5).map { fixture.send("other \($0)", to: 2) }))
        present[2] = try await parts.commit(parts.change(first[2], .edit(base: first[2].message, text: "changed")))
        present[3] = try await parts.commit(parts.change(first[3], .delete(base: first[3].message)))
        try await parts.drain()
        try await body(parts, first, present)
      }
    }
  }

  @Test func whatIsInOrderGivesNoFinding() async throws {
    try await Self.with { parts, _, _ in
      let (summary, findings) = try await parts.verify()
      #expect(findings == [])
      #expect(summary.isClean && summary.rooms == 2 && summary.messages == 25)
      try await parts.forgetJournal()
      #expect(try await parts.verify().1 == [], "trimmed rows are not missed")
    }
  }

  @Test func documentsAreComparedAndWrittenAgainFromTheJournal() async throws {
    try await Self.with { parts, first, present in
      // Three are missing, there is an earlier state, a wrong text, a message and a room that nobody knows.
      var planted = present
      planted[2] = first[2]
      planted[11].message.text = "forged"
      planted.removeSubrange(6...8)
      planted += [RoomEvent.sent(seq: 900, "extra"), .sent(room: 77, seq: 1, "of no room")]
      try await parts.replaceDocuments(with: planted)

      let (_, findings) = try await parts.verify()
      func found(_ kind: Finding.Kind) -> [ClosedRange<Int64>?] { findings.filter { $0.kind == kind }.map(\.numbers) }
      #expect(found(.missing) == [7...9])
      #expect(found(.stale) == [3...3])
      #expect(found(.different) == [12...12])
      #expect(found(.extra) == [900...900, nil])
      #expect(findings.allSatisfy { $0.repair == .untried })
      #expect(try await parts.verify(only: 2).1 == [])

      let (summary, repaired) = try await parts.verify(repairing: true)
      #expect(repaired.filter { $0.repair == .done }.count == 3, "\(repaired)")
      #expect(!summary.isClean)
      _ = try await parts.elastic.client.refresh(parts.elastic.names.write)
      #expect(try await parts.verify().1.map(\.kind) == [.extra, .extra])
      let history = ElasticsearchHistory(client: parts.elastic.client, names: parts.elastic.names)
      let messages = try await history.messages(room: parts.fixture.room(1), seqs: 1...20)
      #expect(messages[2].text == "changed" && messages[7].text == "message 8" && messages[11].text == "message 12")
    }
  }

  @Test func whatWasTrimmedCannotBeRepairedButADeletionCan() async throws {
    try await Self.with { parts, first, present in
      var planted = present
      planted[3] = first[3]
      planted.remove(at: 6)
      try await parts.replaceDocuments(with: planted)
      try await parts.forgetJournal()
      let (summary, findings) = try await parts.verify(repairing: true)
      #expect(findings.map(\.kind) == [.stale, .missing], "\(findings)")
      #expect(findings.first?.repair == .done && summary.repaired == 1)
      guard case .impossible(let why)? = findings.last?.repair else {
        Issue.record("\(findings)")
        return
      }
      #expect(why.contains("trimmed"))
      let history = ElasticsearchHistory(client: parts.elastic.client, names: parts.elastic.names)
      #expect(try await history.currentMessages(room: parts.fixture.room(1), seqs: [4]).first?.isDeleted == true)
    }
  }

  @Test func holesAndCountersOfTheJournalAreFound() async throws {
    try await Self.with { parts, _, _ in
      let pool = parts.fixture.pool
      let lane = parts.fixture.room(2).lane
      try await pool.execute("DELETE FROM journal WHERE lane = \(lane) AND position IN (2, 3)")
      try await pool.execute("DELETE FROM room_changes WHERE room_id = 1 AND seq = 3")
      try await pool.execute("UPDATE room_positions SET last_seq = last_seq - 1, last_event = 20 WHERE room_id = 1")
      let (_, findings) = try await parts.verify()
      let hole = findings.first { $0.kind == .journalHole }
      #expect(hole?.lane == lane && hole?.numbers == 2...3, "\(findings)")
      #expect(findings.contains { $0.kind == .counters && $0.room == 1 })
      #expect(findings.contains { $0.kind == .changes && $0.room == 1 && $0.numbers == 21...21 })

      let (_, repaired) = try await parts.verify(repairing: true)
      #expect(repaired.filter { $0.repair != .done }.map(\.kind) == [.journalHole], "\(repaired)")
      #expect(try await parts.verify().1.map(\.kind) == [.journalHole])
      // The room goes on from there.
      let next = try await parts.commit(parts.fixture.send("next"))
      #expect(next.message.seq == 21 && next.event == 23)
    }
  }

  @Test func aServerThatWritesMeanwhileGivesNoFalseAlarm() async throws {
    try await Self.with { parts, _, _ in
      let indexing = Task { await parts.indexer().run() }
      let isOver = Flag()
      // Commits block: a thread of their own.
      async let writing: Int = Blocking.run {
        var number = 0
        while !isOver.isSet {
          number += 1
          let event = try parts.commitAndWait(parts.fixture.send("live \(number)", to: Int64(1 + number % 2)))
          if number % 3 == 0 {
            _ = try parts.commitAndWait(parts.change(event, .edit(base: event.message, text: "live, changed")))
          }
          if number % 5 == 0 { _ = try parts.commitAndWait(parts.change(event, .delete(base: event.message))) }
        }
        return number
      }
      var findings: [Finding] = []
      for _ in 0..<8 { findings += try await parts.verify().1 }
      isOver.set()
      #expect(try await writing > 0)
      indexing.cancel()
      await indexing.value
      #expect(findings == [])
    }
  }
}

private final class Flag: @unchecked Sendable {
  private let lock = NSLock()
  private var value = false

  var isSet: Bool { lock.withLock { value } }
  func set() { lock.withLock { value = true } }
}
