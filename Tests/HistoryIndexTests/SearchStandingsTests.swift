import ChatRooms
import Drivers
import Testing

@testable import HistoryIndex

/// Needs a server: PALAVER_TEST_MYSQL.
@Suite(.enabled(if: JournalFixture.server != nil)) struct SearchStandingsTests {
  @Test func oneQuestionSaysWhatTheRoomStoreAndTheJournalSay() async throws {
    try await JournalFixture.with(rooms: 4) { fixture in
      let store = SQLRoomStore(database: fixture.pool, laneCount: fixture.journal.laneCount)
      let (anna, bert) = (try await store.ensureUser(name: "anna"), try await store.ensureUser(name: "bert"))
      for (room, user) in [(3, anna), (4, anna), (4, bert)] {
        try await fixture.pool.execute("UPDATE rooms SET kind = 2 WHERE id = ?", [.integer(Int64(room))])
        try await store.addMember(user, to: RoomID(room), role: .member)
      }
      try await fixture.pool.execute("UPDATE rooms SET deleted_at = 5 WHERE id IN (2, 3)")
      let committer = fixture.journal.makeCommitter()
      for room in [1, 1, 4] { _ = try fixture.commit(fixture.send("text", to: RoomID(room)), committer) }
      try await fixture.pool.execute("UPDATE journal_lanes SET indexed = 1 WHERE lane = 1")
      let standings = SearchStandings(fixture.pool)
      let keys = [(anna.id, false), (bert.id, false), (nil, false), (nil, true), (anna.id, true)].map {
        ScopeKey(user: $0, isAdmin: $1)
      }
      // All at once, so that they share questions.
      let pending = keys.map { standings.begin($0) }
      for (key, standing) in zip(keys, pending) {
        let standing = try await standing.value.get()
        #expect(try await standing.scope == store.readScope(of: key.user, isAdmin: key.isAdmin), "\(key)")
        #expect(try await standing.heads == fixture.journal.heads())
      }
      #expect(try await pending[0].value.get().scope.rooms == [4])
      #expect(try await pending[3].value.get().scope.closedRooms == [2, 3])
    }
  }
}
