import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// Needs a server: PALAVER_TEST_MYSQL.
@Suite(.enabled(if: JournalFixture.server != nil)) struct MySQLJournalTests {
  @Test func whatIsCommittedIsReadAsItWas() async throws {
    try await JournalFixture.with { fixture in
      let committer = fixture.journal.makeCommitter()
      var user = fixture.john
      user.name = ":(*@args, *%kwargs)"
      let texts = ["hi", "👩‍👩‍👧‍👦 ねこ", "a'b\\\"; DROP TABLE x; --", "\0\r\n\u{1A}", String(repeating: "é", count: 8_192)]
      var sent: [RoomEvent] = []
      for (index, text) in texts.enumerated() {
        let submission = Submission(
          room: fixture.room(1), action: .send(text: text, data: #"{"a":"\\'"}"#, replyTo: index == 0 ? nil : 1),
          actor: user, ref: index == 0 ? nil : "ref-\(index)'\\")
        sent.append(try #require(try committer.commit([submission]).first?.event))
      }
      #expect(try await fixture.journal.events(lane: 1, after: 0, limit: 10) == sent)
      #expect(try await fixture.journal.events(lane: 1, after: 2, limit: 2) == Array(sent[2..<4]))
      #expect(try await fixture.journal.messages(in: 1, seqs: 1...5) == sent.map(\.message))
      #expect(try await fixture.journal.messages(in: 1, seqs: [5, 2, 2, 99]) == [sent[1].message, sent[4].message])
      let position = try await fixture.journal.position(of: 1)
      #expect(position?.lastEvent == 5)
      #expect(position?.lastSeq == 5)
      #expect(position?.lastMessageAt == sent[4].timestamp)
      #expect(position?.epoch == "e")
      #expect(try await fixture.journal.position(of: 99) == nil)
      #expect(try await fixture.journal.heads()[1] == LaneHead(lane: 1, head: 5, indexed: 0))
    }
  }

  @Test func editsAndDeletionsAreFoldedIntoWhatIsRead() async throws {
    try await JournalFixture.with { fixture in
      let committer = fixture.journal.makeCommitter()
      let sent = try committer.commit((1...3).map { fixture.send("text \($0)") }).compactMap(\.event)
      let edit = Submission(
        room: fixture.room(1), action: .edit(base: sent[0].message, text: "new"), actor: fixture.john, ref: nil)
      let delete = Submission(
        room: fixture.room(1), action: .delete(base: sent[1].message), actor: fixture.john, ref: nil)
      let changed = try committer.commit([edit, delete]).compactMap(\.event)
      let messages = try await fixture.journal.messages(in: 1, seqs: 1...3)
      #expect(messages == [changed[0].message, changed[1].message, sent[2].message])
      #expect(messages[1].isDeleted)
      #expect(messages[1].text.isEmpty)
      #expect(
        try await fixture.journal.changes(in: 1, after: 3, limit: 9) == [
          RoomChange(event: 4, seq: 1, kind: .edit, lastSeq: 3),
          RoomChange(event: 5, seq: 2, kind: .deletion, lastSeq: 3),
        ])
      // Twice is success, and names the deletion that there is; an edit that found it alive is refused.
      let again = try committer.commit([
        Submission(room: fixture.room(1), action: .delete(base: sent[1].message), actor: fixture.john, ref: nil),
        Submission(
          room: fixture.room(1), action: .edit(base: sent[1].message, text: "x"), actor: fixture.john, ref: nil),
      ])
      #expect(again[0].event == changed[1])
      #expect(again[0].isDuplicate == true)
      #expect(again[1].error?.word == "message_not_found")
    }
  }

  @Test func aRemovalAndAClosureChangeTheTablesWithThem() async throws {
    try await JournalFixture.with { fixture in
      let committer = fixture.journal.makeCommitter()
      let remove = Submission(
        room: fixture.room(1), action: .remove(user: fixture.john), actor: fixture.john, ref: nil)
      #expect(try committer.commit([remove])[0].error?.word == "member_not_found")
      try await fixture.pool.execute("INSERT INTO members (room_id, user_id, role, joined_at) VALUES (1, 7, 1, 0)")
      let removal = try #require(try committer.commit([remove])[0].event)
      #expect(removal.kind == .removal)
      #expect(try await fixture.pool.query("SELECT * FROM members").isEmpty)
      // The same submission again: its first attempt is found by its nonce.
      #expect(try committer.commit([remove])[0].event == removal)

      let close = Submission(room: fixture.room(1), action: .close, actor: fixture.john, ref: nil)
      let outcomes = try committer.commit([close, fixture.send("late")])
      #expect(outcomes[0].event?.event == 2)
      #expect(outcomes[1].error?.word == "room_not_found")
      #expect(try committer.commit([fixture.send("later")])[0].error?.word == "room_not_found")
      #expect(try committer.commit([close])[0].event == outcomes[0].event)
      let room = try await fixture.pool.query("SELECT unique_name, deleted_at FROM rooms WHERE id = 1").first
      #expect(room?.values[0] == .null)
      #expect(room?.integer(1) == outcomes[0].event?.timestamp)
      #expect(try await fixture.journal.messages(in: 1, seqs: 1...9).isEmpty)
      #expect(try await fixture.journal.position(of: 1)?.lastEvent == 2)
    }
  }

  @Test func aBatchLongerThanARequestIsOneTransaction() async throws {
    try await JournalFixture.with { fixture in
      let text = String(repeating: "'", count: 16_384)
      let outcomes = try fixture.journal.makeCommitter().commit((0..<300).map { _ in fixture.send(text) })
      #expect(outcomes.compactMap(\.event).map(\.position) == Array(1...300))
      #expect(try await fixture.journal.messages(in: 1, seqs: 1...300).allSatisfy { $0.text == text })
    }
  }

  @Test func anImportThatBeginsAfterTheLookStopsTheBatch() async throws {
    try await JournalFixture.with { fixture in
      let connection = try MySQLConnection(fixture.url)
      try connection.execute("UPDATE room_positions SET import_id = 5 WHERE room_id = 1")
      let refused = try fixture.journal.makeCommitter().commit([fixture.send("a")])
      #expect(refused[0].error?.word == "room_importing")
      // What a committer sends that looked before: the counters' comparison ends it before its COMMIT.
      var readings = LaneReadings()
      (readings.heads, readings.rooms) = ([1: 0], [1: RoomCounters(lastEvent: 0, lastSeq: 0)])
      let plan = LaneBatch([fixture.send("a")], readings, now: 1)
      var options = MySQLOptions()
      options.allowsMultipleStatements = true
      let writer = try MySQLConnection(fixture.url, options: options)
      _ = try writer.send(MySQLText("START TRANSACTION"))
      let error = #expect(throws: SQLError.self) {
        for request in JournalWriteRequest(plan, takesRows: false).requests { _ = try writer.send(request) }
      }
      #expect(error?.code == JournalWriteRequest.counterMoved)
      writer.rollBack()
      #expect(try connection.query("SELECT * FROM journal").isEmpty)
    }
  }
}
