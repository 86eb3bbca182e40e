import ChatRooms
import Foundation
import Testing

@testable import HistoryIndex

/// How many events are committed in a second; on by PALAVER_MEASURE.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["PALAVER_MEASURE"] != nil), .serialized)
struct SQLiteCommitMeasurement {
  @Test(arguments: [1, 10, 100, 400])
  func commits(batch: Int) async throws {
    let profile = try await EmbeddedProfile()
    let john = try await profile.user("John")
    let room = try await profile.room("tea", by: john)
    let start = ContinuousClock.now
    var count = 0
    while ContinuousClock.now - start < .seconds(3) {
      let texts = (0..<batch).map { "message number \(count + $0) with some ordinary words in it" }
      try profile.send(texts, to: room, by: john)
      count += batch
    }
    Corpus.report("batches of \(batch): \(Corpus.rate(count, since: start)) events/s")
    #expect(try await profile.journal.position(of: room.id)?.lastSeq == Int64(count))
  }
}
