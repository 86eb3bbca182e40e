import ChatRooms
import Drivers
import Testing

@testable import HistoryIndex

/// Needs a server: PALAVER_TEST_MYSQL.
@Suite(.enabled(if: JournalFixture.server != nil)) struct LaneLeasesTests {
  @Test func aNewcomerTakesItsShareAndFencesTheFormerOwner() async throws {
    try await JournalFixture.with { fixture in
      let all = try await fixture.leases.acquire(owner: "a", seconds: 60)
      #expect(all.map(\.lane) == Array(0..<16))
      let half = try await fixture.leases.acquire(owner: "b", seconds: 60)
      #expect(half.count == 8)
      let rest = try await fixture.leases.acquire(owner: "a", seconds: 60)
      #expect(rest.count == 8)
      #expect(Set(rest.map(\.lane)).isDisjoint(with: half.map(\.lane)))
      let lost = try #require(all.first { lease in half.contains { $0.lane == lease.lane } })
      await #expect(throws: LeaseLost.self) { try await fixture.leases.advance(lost, to: 0) }
      await #expect(throws: LeaseLost.self) { _ = try await fixture.leases.trim(lost, keep: 0) }
      await #expect(throws: LeaseLost.self) { try await fixture.leases.bury([], under: lost) }
      try await fixture.leases.advance(rest[0], to: 0)
    }
  }

  @Test func leasesThatRanOutOrWereGivenBackAreTaken() async throws {
    try await JournalFixture.with { fixture in
      let old = try await fixture.leases.acquire(owner: "a", seconds: 0)
      #expect(try await fixture.leases.acquire(owner: "b", seconds: 60).count == 16)
      await #expect(throws: LeaseLost.self) { try await fixture.leases.advance(old[3], to: 0) }
      try await fixture.leases.release(owner: "b")
      #expect(try await fixture.leases.acquire(owner: "c", seconds: 60).count == 16)
    }
  }

  @Test func aReleasedLeaseIsWorthNothing() async throws {
    try await JournalFixture.with { fixture in
      let lease = try await fixture.leases.acquire(owner: "a", seconds: 60)[0]
      try await fixture.leases.release(owner: "a")
      await #expect(throws: LeaseLost.self) { try await fixture.leases.advance(lease, to: 0) }
    }
  }

  @Test func indexedMovesForwardOnlyAndNotBeyondTheHead() async throws {
    try await JournalFixture.with { fixture in
      _ = try fixture.journal.makeCommitter().commit((0..<10).map { fixture.send("\($0)") })
      let lease = try await fixture.leases.acquire(owner: "a", seconds: 60)[1]
      for (target, expected) in [(4, 4), (2, 4), (4, 4), (99, 10)] as [(Int64, Int64)] {
        try await fixture.leases.advance(lease, to: target)
        #expect(try await fixture.journal.heads()[1].indexed == expected)
      }
      #expect(try await fixture.leases.acquire(owner: "a", seconds: 60)[1].indexed == 10)
    }
  }

  @Test func onlyWhatIsIndexedAndOldIsTrimmed() async throws {
    try await JournalFixture.with { fixture in
      let old = MySQLJournal(fixture.pool, fixture.url) { 1_000 }
      _ = try old.makeCommitter().commit((0..<6).map { fixture.send("\($0)") })
      _ = try fixture.journal.makeCommitter().commit([fixture.send("young"), fixture.send("young too")])
      var lease = try await fixture.leases.acquire(owner: "a", seconds: 60)[1]
      #expect(try await fixture.leases.trim(lease, keep: 60_000) == 0)
      lease.indexed = 4
      #expect(try await fixture.leases.trim(lease, keep: 60_000) == 0, "the journal does not know it yet")
      try await fixture.leases.advance(lease, to: 4)
      #expect(try await fixture.leases.trim(lease, keep: 60_000) == 4)
      try await fixture.leases.advance(lease, to: 8)
      #expect(try await fixture.leases.trim(lease, keep: 60_000) == 0, "indexed after the lease was taken down")
      lease.indexed = 8
      #expect(try await fixture.leases.trim(lease, keep: 60_000) == 2)
      #expect(try await fixture.leases.trim(lease, keep: 60_000) == 0)
      #expect(try await fixture.journal.events(lane: 1, after: 0, limit: 9).map(\.position) == [7, 8])
      #expect(try await fixture.pool.query("SELECT trimmed FROM journal_lanes WHERE lane = 1").first?.integer(0) == 6)
      #expect(try await fixture.journal.position(of: 1)?.lastSeq == 8)
    }
  }

  @Test func deadLettersAreKeptOnce() async throws {
    try await JournalFixture.with { fixture in
      let lease = try await fixture.leases.acquire(owner: "a", seconds: 60)[1]
      let letter = DeadLetter(lane: 1, position: 5, room: 1, seq: 4, reason: "mapping 'x'", document: "{\"a\":\"ねこ\"}")
      try await fixture.leases.bury([letter], under: lease)
      try await fixture.leases.bury([letter], under: lease)
      let rows = try await fixture.pool.query("SELECT lane, position, reason, document FROM dead_letters")
      #expect(rows.count == 1)
      #expect(rows.first?.text(2) == letter.reason)
      #expect(rows.first?.text(3) == letter.document)
    }
  }
}
