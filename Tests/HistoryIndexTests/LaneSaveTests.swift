import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

/// When an indexer writes down how far it is, and what becomes of that.
@Suite struct LaneSaveTests {
  private struct Broken: Error {}

  /// Lanes of which some are another's and some cannot be written.
  private final class Leases: LaneLeases, @unchecked Sendable {
    private let lock = NSLock()
    private var advanced: [Int: Int64] = [:]
    var saved: [Int: Int64] { lock.withLock { advanced } }

    func advance(_ lease: LaneLease, to indexed: Int64) async throws {
      if lease.number == 0 { throw LeaseLost() }
      if lease.number < 0 { throw Broken() }
      lock.withLock { advanced[lease.lane] = indexed }
    }

    func acquire(owner: String, seconds: Int) async throws -> [LaneLease] { [] }
    func seize(owner: String, seconds: Int) async throws -> [LaneLease] { [] }
    func release(owner: String) async throws {}
    func bury(_ letters: [DeadLetter], under lease: LaneLease) async throws {}
    func trim(_ lease: LaneLease, keep: Milliseconds) async throws -> Int { 0 }
  }

  @Test func saysWhatIsSavedWhatIsLostAndWhyTheRestIsNot() async {
    let leases = Leases()
    let lanes = [(1, 5), (2, 0), (3, 4), (4, -1), (5, 9)].map {
      LaneLease(lane: $0.0, number: Int64($0.1), indexed: Int64(10 * $0.0))
    }
    let save = await LaneSave(lanes, leases)
    #expect(save.saved.map(\.lane) == [1, 3])
    #expect(save.lost.map(\.lane) == [2])
    #expect(save.error is Broken)
    #expect(leases.saved == [1: 10, 3: 30])
  }

  @Test func theEndOfABacklogIsWrittenDownAtOnce() {
    var state = IndexerRound(
      LaneReader(journal: MemoryJournal(), leases: Leases(), options: IndexerOptions(owner: "a")))
    state.ready = [BulkBatch(), BulkBatch()]
    let numbers = [state.begin()?.0, state.begin()?.0]
    // Nothing was behind: the next tick will do.
    state.ended(numbers[0] ?? 0)
    state.ended(numbers[1] ?? 0)
    #expect(!state.wantsSave)
    state.isCatchingUp = true
    state.hasBacklog = true
    state.ready = [BulkBatch(), BulkBatch()]
    let first = state.begin()?.0 ?? 0
    state.ended(first)
    #expect(!state.wantsSave, "more is ready")
    let second = state.begin()?.0 ?? 0
    state.hasBacklog = false
    state.ended(second)
    #expect(state.wantsSave && !state.isCatchingUp)
  }
}
