import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// What MariaDB answers on a bad day, staged: nothing is doubled, nothing is lost (hazards 3, 4, 8).
///
/// Needs a server: PALAVER_TEST_MYSQL.
@Suite(.enabled(if: JournalFixture.server != nil)) struct MySQLJournalFaultTests {
  private func writer(_ journal: any Journal) -> JournalWriter {
    var limits = JournalWriter.Limits()
    limits.patience = 60
    return JournalWriter(journal: journal, writers: 1, limits: limits, metrics: Metrics(), log: .silent) { _ in }
  }

  private func withWriter(_ journal: any Journal, _ body: (JournalWriter) async throws -> Void) async throws {
    let writer = writer(journal)
    let result: Result<Void, any Error>
    do { result = .success(try await body(writer)) } catch { result = .failure(error) }
    await Blocking.run(writer.stop)
    try result.get()
  }

  /// Hazard 3: the connection dies at COMMIT. Whether that was carried out is found under the lane's lock.
  @Test(arguments: CommitCutter.Cut.allCases)
  func aCommitOfUnknownOutcomeIsResolvedForEveryKindOfEvent(cut: CommitCutter.Cut) async throws {
    try await JournalFixture.with { fixture in
      let cutter = try CommitCutter(upstream: Int(fixture.url.port))
      defer { cutter.stop() }
      var url = fixture.url
      url.port = UInt16(cutter.port)
      try await fixture.pool.execute("INSERT INTO members (room_id, user_id, role, joined_at) VALUES (1, 7, 1, 0)")
      try await withWriter(MySQLJournal(fixture.pool, url)) { writer in
        let base = try await writer.submit(fixture.send("first")).event.message
        func change(_ action: Submission.Action, _ ref: String?) -> Submission {
          Submission(room: fixture.room(1), action: action, actor: fixture.john, ref: ref)
        }
        let submissions = [
          fixture.send("with a ref", ref: "r"), fixture.send("without"), change(.edit(base: base, text: "a"), "e"),
          change(.edit(base: base, text: "b"), nil), change(.delete(base: base), "d"),
          change(.remove(user: fixture.john), nil),
        ]
        for (number, submission) in submissions.enumerated() {
          cutter.arm(cut)
          let committed = try await writer.submit(submission)
          #expect(committed.event.event == Int64(number) + 2 && !committed.isDuplicate, "\(submission.action)")
        }
        #expect(cutter.cuts == submissions.count)
        // The client heard nothing and asks again, another server perhaps.
        for index in [0, 2, 4] {
          let first = submissions[index]
          let again = Submission(room: first.room, action: first.action, actor: first.actor, ref: first.ref)
          let committed = try await writer.submit(again)
          #expect(committed.event.event == Int64(index) + 2 && committed.isDuplicate)
        }
      }
      let events = try await fixture.journal.events(lane: 1, after: 0, limit: 100)
      #expect(events.map(\.event) == Array(1...7) && events.map(\.position) == Array(1...7))
    }
  }

  /// Hazard 4: an edit is sent again after its answer was lost, when a newer one has been made. The newer one stays.
  @Test func anEditSentAgainOverwritesNoNewerOne() async throws {
    try await JournalFixture.with { fixture in
      let committer = fixture.journal.makeCommitter()
      let other = fixture.journal.makeCommitter()
      let base = try #require(try fixture.commit(fixture.send("text"), committer).event).message
      func edit(_ text: String, _ ref: String) -> Submission {
        Submission(room: fixture.room(1), action: .edit(base: base, text: text), actor: fixture.john, ref: ref)
      }
      let first = try fixture.commit(edit("old", "one"), committer)
      _ = try fixture.commit(edit("new", "two"), other)
      let again = try fixture.commit(edit("old", "one"), other)
      #expect(again.isDuplicate == true && again.event?.event == first.event?.event)
      #expect(try await fixture.journal.messages(in: 1, seqs: 1...1).map(\.text) == ["new"])
      #expect(try fixture.commit(edit("other", "one"), other).error?.word == "ref_conflict")
    }
  }

  /// Hazard 8: 1213. The other side holds the counters' row and wants the lane: InnoDB gives up the smaller transaction.
  @Test func aDeadlockIsRolledBackAndDoneAgain() async throws {
    try await JournalFixture.with { fixture in
      try await withWriter(fixture.journal) { writer in
        _ = try await writer.submit(fixture.send("first"))
        let second = fixture.send("second", ref: "r")
        let results = Collected<Int64?>()
        try await Blocking.run {
          let holder = try MySQLConnection(fixture.url, options: Self.patient)
          try holder.transaction {
            _ = try holder.query("SELECT * FROM room_positions WHERE room_id = 1 FOR UPDATE")
            for number in 0..<200 {
              try holder.execute(
                "INSERT INTO dead_letters VALUES (1, ?, 1, 1, '', '', 0)", [.integer(Int64(number))])
            }
            writer.submit(second) { results.append(try? $0.get().event.event) }
            try Self.waitForWriter(fixture)
            _ = try holder.query("SELECT * FROM journal_lanes WHERE lane = 1 FOR UPDATE")
          }
        }
        // A room has one writer: the first sending has been answered before this one.
        #expect(try await writer.submit(fixture.send("second", ref: "r")).isDuplicate)
        #expect(results.all == [2])
      }
      #expect(try await fixture.journal.events(lane: 1, after: 0, limit: 10).map(\.event) == [1, 2])
    }
  }

  /// Hazard 8: 1205 ends the statement alone, what came before it stays. All of it is rolled back.
  @Test func aLockWaitThatEndsLeavesNothingOfTheBatch() async throws {
    try await JournalFixture.with { fixture in
      let holder = try MySQLConnection(fixture.url, options: Self.patient)
      let committer = fixture.journal.makeCommitter()
      let batch = [fixture.send("a", ref: "a"), fixture.send("b", ref: "b")]
      try holder.transaction {
        _ = try holder.query("SELECT * FROM room_positions WHERE room_id = 1 FOR UPDATE")
        let error = #expect(throws: SQLError.self) { try committer.commit(batch) }
        #expect(error?.code == 1205 && error?.kind == .conflict)
      }
      #expect(try await fixture.journal.events(lane: 1, after: 0, limit: 10).isEmpty)
      let outcomes = try committer.commit(batch)
      #expect(outcomes.compactMap(\.event?.event) == [1, 2])
      #expect(outcomes.allSatisfy { $0.isDuplicate == false })
    }
  }

  /// The counters were moved by somebody who does not take the lanes' locks, as an import does: 1020 is the same.
  @Test func aRefusalAfterTheRowsWereWrittenLeavesNothing() async throws {
    try await JournalFixture.with { fixture in
      let lane = try MySQLConnection(fixture.url)
      let committer = fixture.journal.makeCommitter()
      _ = try committer.commit([fixture.send("a")])
      try lane.execute(
        "CREATE TRIGGER refuse BEFORE UPDATE ON journal_lanes FOR EACH ROW SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1020"
      )
      let error = #expect(throws: SQLError.self) { try committer.commit([fixture.send("b", ref: "b")]) }
      #expect(error?.code == 1020 && error?.kind == .conflict)
      try lane.execute("DROP TRIGGER refuse")
      #expect(try committer.commit([fixture.send("b", ref: "b")]).first?.event?.event == 2)
      #expect(try await fixture.journal.events(lane: 1, after: 0, limit: 10).map(\.position) == [1, 2])
    }
  }

  /// Timestamps follow the clock, wherever it steps; order does not.
  @Test func aClockThatStepsChangesNoOrder() async throws {
    try await JournalFixture.with { fixture in
      let clock = SteppingClock([5_000_000, 1_000_000, 9_000_000, 2_000_000])
      let journal = MySQLJournal(fixture.pool, fixture.url, clock: { clock.next() })
      let committer = journal.makeCommitter()
      for number in 1...4 { _ = try fixture.commit(fixture.send("\(number)", ref: "\(number)"), committer) }
      let events = try await journal.events(lane: 1, after: 0, limit: 10)
      #expect(events.map(\.event) == [1, 2, 3, 4] && events.map(\.message.text) == ["1", "2", "3", "4"])
      #expect(events.map(\.timestamp) == [5_000_000, 1_000_000, 9_000_000, 2_000_000])
      #expect(try fixture.commit(fixture.send("3", ref: "3"), committer).event?.event == 3)
    }
  }

  /// Of a connection that holds locks for as long as a busy machine needs.
  private static var patient: MySQLOptions {
    var options = MySQLOptions()
    options.idleTransactionTimeout = 60
    options.lockWaitTimeout = 60
    options.readTimeout = 90
    return options
  }

  /// Returns once a transaction of the fixture's database is at the counters, whose row is locked; at most 30 s.
  ///
  /// By the list of processes: InnoDB's own tables of locks stay as they were while they are read often.
  private static func waitForWriter(_ fixture: JournalFixture) throws {
    let observer = try MySQLConnection(fixture.url)
    let deadline = DispatchTime.now() + 30
    while DispatchTime.now() < deadline {
      let rows = try observer.query(
        "SELECT id FROM information_schema.processlist WHERE db = ? AND info LIKE 'INSERT INTO room_positions%'",
        [.optional(fixture.url.database)])
      if !rows.isEmpty { return }
      Thread.sleep(forTimeInterval: 0.005)
    }
    throw SQLError(kind: .other, code: 0, message: "the writer did not come to the counters")
  }
}

/// Says one time after the other, and then the last one.
final class SteppingClock: @unchecked Sendable {
  private let lock = NSLock()
  private var times: [Milliseconds]

  init(_ times: [Milliseconds]) { self.times = times }

  func next() -> Milliseconds { lock.withLock { times.count > 1 ? times.removeFirst() : times.first ?? 0 } }
}
