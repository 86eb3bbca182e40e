import ChatRooms
import Drivers
import Foundation
import Testing

@testable import HistoryIndex

@Suite struct RoomHubTests {
  private struct NoTails: TailLoading {
    func load(_ room: Room, newest count: Int) async throws -> RoomTail { throw ChatError.roomNotFound(room.id) }
  }

  /// Hazard 16: where the bus is silent, a removal is noticed by the journal, and caches can be told.
  @Test(.timeLimit(.minutes(1))) func eventsThatNobodyToldOfAreReadAndHandedOn() async throws {
    let journal = MemoryJournal()
    let (fetched, sink) = AsyncStream<RoomEvent>.makeStream()
    let hub = RoomHub(
      journal: journal, loader: NoTails(), metrics: Metrics(), log: .silent, limits: .init(),
      onFetched: { for event in $0 { sink.yield(event) } })
    try await hub.start()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await hub.run() }
      for seq in Int64(1)...3 { journal.append(.sent(seq: seq, "message \(seq)")) }
      var seqs: [Int64] = []
      for await event in fetched {
        seqs.append(event.message.seq)
        if seqs.count == 3 { break }
      }
      #expect(seqs == [1, 2, 3])
      group.cancelAll()
    }
  }
}
