import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// What a batch costs the database, counted: requests that are waited for, statements, bytes. Needs a server:
/// PALAVER_TEST_MYSQL.
@Suite(.enabled(if: JournalFixture.server != nil)) struct JournalRequestTests {
  /// A committer with its statements prepared, and what it costs from here on.
  private struct Meter {
    let fixture: JournalFixture
    let committer: MySQLJournalCommitter
    let connection: MySQLConnection

    init(_ fixture: JournalFixture) throws {
      self.fixture = fixture
      committer = try #require(fixture.journal.makeCommitter() as? MySQLJournalCommitter)
      _ = try committer.commit(Meter.batch(100, "warm", fixture))
      connection = try #require(committer.connection)
    }

    static func batch(_ count: Int, _ name: String, _ fixture: JournalFixture, bytes: Int = 100) -> [Submission] {
      (0..<count).map { fixture.send(String(repeating: "a", count: bytes), ref: "\(name)-\($0)") }
    }

    /// Commits a batch of new messages.
    func cost(of count: Int, bytes: Int = 100) throws -> (requests: Int, statements: Int, bytes: Int) {
      let batch = Meter.batch(count, "r\(count)", fixture, bytes: bytes)
      let (requests, statements, sent) = (
        connection.requestCount, try status("Questions"), try status("Bytes_received")
      )
      let mine = connection.requestCount - requests
      let outcomes = try committer.commit(batch)
      let all = connection.requestCount - requests - mine
      #expect(outcomes.allSatisfy { $0.event != nil })
      return (
        all, try status("Questions") - statements - mine, try status("Bytes_received") - sent
      )
    }

    private func status(_ name: String) throws -> Int {
      let rows = try connection.query("SHOW SESSION STATUS WHERE Variable_name = '\(name)'", [])
      return Int(rows.first?.integer(1) ?? -1)
    }
  }

  @Test func aBatchOfAnySizeIsThreeRequests() async throws {
    try await JournalFixture.with { fixture in
      let meter = try Meter(fixture)
      for count in [8, 100, 400] {
        let cost = try meter.cost(of: count)
        #expect(cost.requests <= (meter.connection.takesRows ? 3 : 2))
        // Begin, lanes, rooms, refs, erased authors; rows; heads, counters, commit.
        #expect(cost.statements <= 9)
      }
    }
  }

  @Test func aSingleMessageIsTwoRequests() async throws {
    try await JournalFixture.with { fixture in
      let cost = try Meter(fixture).cost(of: 1)
      #expect(cost.requests <= 2)
      #expect(cost.statements <= 9)
    }
  }

  /// Its text, its ref twice, and about 150 bytes of numbers.
  @Test func aRowIsLittleMoreThanItsText() async throws {
    try await JournalFixture.with { fixture in
      let meter = try Meter(fixture)
      guard meter.connection.takesRows else { return }
      #expect(try meter.cost(of: 300, bytes: 1_000).bytes <= 300 * 1_250)
    }
  }

  @Test func manyRowsAreReadAsTheyWereSent() async throws {
    try await JournalFixture.with { fixture in
      let committer = fixture.journal.makeCommitter()
      let texts = ["hi", "👩‍👩‍👧‍👦 ねこ", "a'b\\\"; DROP TABLE x; --", "\0\r\n\u{1A}", String(repeating: "é", count: 8_192)]
      let batch = (0..<60).map { index in
        Submission(
          room: fixture.room(1),
          action: .send(
            text: texts[index % texts.count], data: index % 3 == 0 ? #"{"a":"\\'"}"# : nil,
            replyTo: index % 2 == 0 ? nil : 1), actor: fixture.john, ref: index % 4 == 0 ? nil : "ref-\(index)'\"\\")
      }
      let sent = try committer.commit(batch).compactMap(\.event)
      #expect(sent.count == 60)
      #expect(try await fixture.journal.events(lane: 1, after: 0, limit: 100) == sent)
      // The same refs again are the same messages, the minted ones too.
      let again = try committer.commit(batch)
      #expect(again.compactMap(\.event) == sent)
      #expect(try await fixture.journal.position(of: 1)?.lastSeq == 60)
    }
  }

  /// 400 of the longest texts are more than one request may hold.
  @Test func longTextsAreSpreadOverRequests() async throws {
    try await JournalFixture.with { fixture in
      let meter = try Meter(fixture)
      let cost = try meter.cost(of: 400, bytes: 16_384)
      #expect(cost.requests <= 4)
      #expect(try await fixture.journal.position(of: 1)?.lastSeq == 500)
    }
  }
}
