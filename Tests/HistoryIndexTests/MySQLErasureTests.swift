import ChatRooms
import Drivers
import Testing

@testable import HistoryIndex

/// What happens to a deleted user's rows in MySQL's journal.
@Suite(.enabled(if: JournalFixture.server != nil, "PALAVER_TEST_MYSQL is not set"))
struct MySQLErasureTests {
  private func record(_ fate: MessageFate, of user: User, _ fixture: JournalFixture) async throws -> Erasure {
    try await fixture.pool.execute(
      "INSERT INTO erasures (user_id, user_name, mode, requested_at) VALUES (?, ?, ?, 1)",
      [.integer(user.id), .text(user.name), .integer(Int64(fate.rawValue))])
    return Erasure(user: user.id, name: user.name, fate: fate, requestedAt: 1)
  }

  /// Sweeps until nothing is found. Returns how many messages were changed.
  private func sweep(
    _ erasure: Erasure, _ fixture: JournalFixture, _ committer: any JournalCommitter
  ) async throws -> Int {
    var changed = 0
    for _ in 0..<5 {
      let found = try await JournalTraces(database: fixture.pool).sweep(erasure) { traces in
        for trace in traces {
          let submission = Submission(
            room: trace.room, action: .withdraw(base: trace.message, erasure.fate), actor: DeletedUser.user, ref: nil)
          if try fixture.commit(submission, committer).event != nil { changed += 1 }
        }
      }
      if found == 0 { return changed }
    }
    return -1
  }

  @Test(arguments: [MessageFate.erase, .anonymize])
  func rowsStayInTheirPlacesAndTellNothing(fate: MessageFate) async throws {
    try await JournalFixture.with { fixture in
      let committer = fixture.journal.makeCommitter()
      let mary = User(id: 8, name: "Mary", displayName: nil, createdAt: 0)
      let first = try #require(try fixture.commit(fixture.send("secret 1", ref: "r1"), committer).event)
      _ = try fixture.commit(fixture.send("from Mary", by: mary), committer)
      _ = try fixture.commit(fixture.send("secret 2", to: 2), committer)
      _ = try fixture.commit(
        Submission(
          room: fixture.room(1), action: .edit(base: first.message, text: "secret 3"), actor: fixture.john, ref: nil),
        committer)
      let erasure = try await record(fate, of: fixture.john, fixture)
      #expect(try await sweep(erasure, fixture, committer) == 2)

      let events = try await fixture.journal.events(lane: 1, after: 0, limit: 100)
      #expect(events.map(\.position) == [1, 2, 3, 4] && events.map(\.event) == [1, 2, 3, 4])
      #expect(events.filter { $0.message.userID == fixture.john.id || $0.message.user == "John" }.isEmpty)
      #expect(events[1].message.user == "Mary")
      let texts = events.map(\.message.text)
      switch fate {
      case .erase:
        // Whoever comes to them late is told of deletions.
        #expect(texts == ["", "from Mary", "", ""])
        #expect(events.map(\.message.isDeleted) == [true, false, true, true])
      default:
        #expect(texts == ["secret 1", "from Mary", "secret 3", "secret 3"])
      }
      #expect(try await fixture.pool.query("SELECT 1 FROM journal WHERE ref = 'r1'").isEmpty)
      let late = try fixture.commit(fixture.send("late"), committer)
      #expect(late.error?.word == "user_deleted")
      #expect(try fixture.commit(fixture.send("not late", by: mary), committer).event?.position == 5)
    }
  }
}
