import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

@Suite struct BackPressureTests {
  @Test func itBeginsAtTheLimitAndEndsWellBelow() {
    var pressure = BackPressure(.init(rows: 100, reserve: 0))
    pressure.observe(waiting: 99)
    #expect(!pressure.isOn)
    pressure.observe(waiting: 100)
    #expect(pressure.isOn)
    pressure.observe(waiting: 76)
    #expect(pressure.isOn)
    pressure.observe(waiting: 75)
    #expect(!pressure.isOn)
    pressure.observe(waiting: 99)
    #expect(!pressure.isOn)
  }

  @Test func theDiskIsAReasonOfItsOwn() {
    var pressure = BackPressure(.init(rows: 10, reserve: 1_000))
    pressure.observe(free: 999)
    pressure.observe(waiting: 10)
    #expect(pressure.reasons == [.disk, .backlog])
    pressure.observe(waiting: 0)
    pressure.observe(free: 1_249)
    #expect(pressure.reasons == [.disk])
    pressure.observe(free: 1_250)
    #expect(!pressure.isOn)
  }

  @Test func zeroIsNoLimit() {
    var pressure = BackPressure(.init(rows: 0, reserve: 0))
    pressure.observe(waiting: .max)
    pressure.observe(free: 0)
    #expect(!pressure.isOn)
  }

  @Test func whileItLastsMessagesAndEditsAreRefusedAndDeletionsAreNot() throws {
    let metrics = Metrics()
    let gate = JournalGate(.init(rows: 5, reserve: 0), metrics: metrics, log: .silent)
    let message = RoomEvent.sent(seq: 1, "a").message
    let send = Submission.Action.send(text: "a", data: nil, replyTo: nil)
    #expect(gate.refusal(of: send) == nil)
    gate.observe(JournalBacklog(waiting: 5, oldest: 1, rows: 9, deadLetters: 2), free: nil)
    let refusal = try #require(gate.refusal(of: send))
    #expect(refusal.status == 503 && refusal.word == "unavailable" && refusal.retryAfter != nil)
    #expect(gate.refusal(of: .edit(base: message, text: "b")) != nil)
    #expect(gate.refusal(of: .delete(base: message)) == nil)
    #expect(gate.refusal(of: .close) == nil)
    for line in [
      #"palaver_backpressure{reason="backlog"} 1.0"#, "palaver_journal_waiting 5.0", "palaver_journal_rows 9.0",
      "palaver_dead_letters 2.0", "palaver_backpressure_refused_total 2",
    ] {
      #expect(metrics.text.contains(line), "\(line)")
    }
    // A database that does not answer changes nothing.
    gate.observe(nil, free: nil)
    #expect(gate.refusal(of: send) != nil)
    gate.observe(JournalBacklog(), free: nil)
    #expect(gate.refusal(of: send) == nil)
  }

  @Test(.enabled(if: JournalFixture.server != nil, "PALAVER_TEST_MYSQL is not set"))
  func theBacklogIsWhatTheCursorsHaveNotPassed() async throws {
    try await JournalFixture.with { fixture in
      #expect(try await fixture.journal.backlog() == JournalBacklog())
      let committer = fixture.journal.makeCommitter()
      let outcome = try fixture.commit(fixture.send("first"), committer)
      for number in 2...4 { _ = try fixture.commit(fixture.send("\(number)", to: 2), committer) }
      guard case .committed(let first, _) = outcome else { throw CancellationError() }
      var backlog = try await fixture.journal.backlog()
      #expect(backlog == JournalBacklog(waiting: 4, oldest: first.timestamp, rows: 4))
      try await fixture.pool.execute("UPDATE journal_lanes SET indexed = head")
      backlog = try await fixture.journal.backlog()
      #expect(backlog == JournalBacklog(waiting: 0, oldest: nil, rows: 4))
    }
  }
}
