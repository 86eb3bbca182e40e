import ChatRooms
import Drivers
import Synchronization
import TestSupport
import Testing

@testable import HistoryIndex

/// What both directions of a page find in the stores, and how often the stores are asked.
@Suite struct HistoryScanTests {
  @Test(arguments: 0..<4) func findsTheNextMessagesThatAreNotDeleted(seed: UInt64) async throws {
    var random = SplitMix64(seed: seed)
    var model = RoomModel()
    for _ in 0..<[0, 30, 400, 1_500][Int(seed)] { model.step(using: &random) }
    let visible = model.messages.filter { !$0.isDeleted }
    for _ in 0..<200 {
      let seq = Int64.random(in: 0...model.position.lastSeq + 2, using: &random)
      let anchor = Int.random(in: 0..<4, using: &random)
      let query = try HistoryQuery(
        before: anchor == 1 ? seq : nil, after: anchor == 2 ? seq : nil, around: anchor == 3 ? seq : nil,
        limit: Int64.random(in: 1...100, using: &random))
      let found = try await scan(MessageList(model.messages)).messages(query)
      #expect(found.before == visible.filter { $0.seq <= query.backward.seq }.suffix(query.backward.count))
      let after = query.forward.map { side in visible.filter { $0.seq >= side.seq }.prefix(side.count) } ?? []
      #expect(found.after == Array(after), "\(query)")
    }
  }

  @Test(arguments: [(nil, nil, 700), (700, nil, nil), (nil, 700, nil), (nil, nil, nil), (.max, nil, nil)])
  func readsOnceWhereNothingIsDeleted(before: Int64?, after: Int64?, around: Int64?) async throws {
    var model = RoomModel()
    for _ in 0..<1_000 { model.send() }
    let list = MessageList(model.messages)
    let query = try HistoryQuery(before: before, after: after, around: around, limit: nil)
    let found = try await scan(list).messages(query)
    #expect(found.before.count + found.after.count > 50)
    #expect(list.reads == 1)
  }

  @Test func walksOverALongRunOfDeletedMessages() async throws {
    var model = RoomModel()
    for _ in 0..<3_000 { model.send() }
    for seq in Int64(100)...2_900 { model.delete(seq) }
    let list = MessageList(model.messages)
    let found = try await scan(list).messages(HistoryQuery(before: nil, after: nil, around: 1_500, limit: nil))
    #expect(found.before.map(\.seq) == Array(49...99))
    #expect(found.after.map(\.seq) == Array(2_901...2_951))
    #expect(list.reads <= 13)
  }

  private func scan(_ list: MessageList) -> HistoryScan {
    HistoryScan(history: list, room: RoomModel.room, lastSeq: Int64(list.messages.count))
  }
}

/// A room's messages as they are, and how often they were asked for.
private final class MessageList: History {
  let messages: [Message]
  private let count = Mutex(0)

  var reads: Int { count.withLock { $0 } }

  init(_ messages: [Message]) { self.messages = messages }

  func messages(in room: Room, seqs: ClosedRange<Int64>) async throws -> [Message] {
    count.withLock { $0 += 1 }
    return messages.filter { seqs.contains($0.seq) }
  }

  func messages(in room: Room, seqs: [Int64]) async throws -> [Message] { messages.filter { seqs.contains($0.seq) } }
}
