import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// The embedded profile's bad days.
@Suite struct SQLiteFaultTests {
  /// A file that may not grow is what a full disk looks like: SQLITE_FULL. (`FullDiskTests` fills a real one.)
  @Test func aFullDiskStoresNothingOfABatchAndTheSameBatchCanBeStoredLater() async throws {
    let profile = try await EmbeddedProfile()
    let (room, john) = (try await profile.room(), try await profile.user("John"))
    let text = String(repeating: "word ", count: 500)
    func batch(_ number: Int) -> [Submission] {
      ["a", "b"].map { .sending("\(text)\(number)", to: room, by: john, ref: "\($0)\(number)") }
    }
    try await Self.limit(profile, morePages: 8)
    var number = 0
    let error = #expect(throws: SQLError.self) {
      while number < 100 {
        try profile.commit(batch(number))
        number += 1
      }
    }
    #expect(error?.kind == .unavailable && number > 0)
    // The connection is made anew after such an error, and with it the limit is gone.
    let again = try profile.commit(batch(number))
    #expect(again.compactMap(\.event?.message.seq) == [Int64(2 * number + 1), Int64(2 * number + 2)])
    #expect(again.allSatisfy { $0.isDuplicate == false })
    #expect(try await profile.history.messages(in: room, seqs: 1...Int64(2 * number + 2)).count == 2 * number + 2)
    #expect(try await profile.find("word", limit: 100).count == 2 * number + 2)
  }

  @Test func aClockThatStepsChangesNoOrder() async throws {
    let clock = SteppingClock([5_000_000, 5_000_000, 5_000_000, 1_000_000, 9_000_000, 2_000_000])
    let profile = try await EmbeddedProfile(now: { clock.next() })
    let (room, john) = (try await profile.room(), try await profile.user("John"))
    let messages = try (1...6).flatMap { try profile.send(["\($0)"], to: room, by: john) }
    #expect(messages.map(\.seq) == Array(1...6) && messages.map(\.event) == Array(1...6))
    let stored = try await profile.history.messages(in: room, seqs: 1...6)
    #expect(stored.map(\.text) == ["1", "2", "3", "4", "5", "6"])
    // One server's timestamps never go back, so that `recent` is the order of sending as well.
    #expect(stored.map(\.timestamp) == stored.map(\.timestamp).sorted())
    #expect(try await profile.find("", limit: 10) == ["6", "5", "4", "3", "2", "1"])
  }

  /// After a restore nothing but the operator's word says that numbers were used.
  @Test func aRewindByTheOperatorChangesTheEpochAndUsesNoNumberAgain() async throws {
    let profile = try await EmbeddedProfile()
    let (room, john) = (try await profile.room(), try await profile.user("John"))
    try profile.send(["a", "b"], to: room, by: john)
    let before = try #require(try await profile.journal.position(of: room.id))
    try await RewindRepair.changeEpochs(of: profile.database)
    let after = try #require(try await profile.journal.position(of: room.id))
    #expect(after.epoch != before.epoch && after.lastSeq == 2 && after.lastEvent > before.lastEvent + 1_000)
    let next = try profile.send(["c"], to: room, by: john)
    #expect(next.map(\.seq) == [3] && next.map(\.event) == [after.lastEvent + 1])
    let tail = try await TailLoader(journal: profile.journal, history: profile.history)
      .load(room, newest: HistoryLimits.tail)
    #expect(tail.position.lastSeq == 3 && tail.recent.count == 3)
  }

  /// `max_page_count` is the connection's that writes.
  private static func limit(_ profile: EmbeddedProfile, morePages: Int64) async throws {
    try await Blocking.run {
      try profile.database.writeAndWait { connection in
        let pages = try connection.query("PRAGMA page_count").first?.integer(0) ?? 0
        _ = try connection.query("PRAGMA max_page_count = \(pages + morePages)")
      }
    }
  }
}
