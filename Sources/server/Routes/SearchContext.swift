import ChatRooms
import HistoryIndex

/// Finds what stands around hits.
struct SearchContext: Sendable {
  /// Messages before and after a hit.
  static let bounds = 0...5
  /// Rooms read at once.
  private static let roomsAtOnce = 8

  var rooms: any RoomStore
  var history: any History

  /// The `count` messages before each hit and after it, rising and without the hit; deleted ones are left out.
  ///
  /// - Returns: by the hits' ids. A room that is gone by now has none.
  func messages(around hits: [SearchHit], count: Int) async throws -> [String: [Message]] {
    let byRoom = Dictionary(grouping: hits.map(\.message)) { $0.room }
    var found: [String: [Message]] = [:]
    try await withThrowingTaskGroup(of: [String: [Message]].self) { group in
      for (index, part) in byRoom.enumerated() {
        if index >= Self.roomsAtOnce, let more = try await group.next() { found.merge(more) { $1 } }
        group.addTask { try await messages(in: part.key, around: part.value, count: Int64(count)) }
      }
      for try await more in group { found.merge(more) { $1 } }
    }
    return found
  }

  private func messages(in room: RoomID, around hits: [Message], count: Int64) async throws -> [String: [Message]] {
    guard let room = try await rooms.room(room) else { return [:] }
    let wanted = Set(hits.flatMap { Self.seqs(around: $0, count) }).sorted()
    let bySeq = Dictionary(
      try await history.messages(in: room, seqs: wanted).lazy.filter { !$0.isDeleted }.map { ($0.seq, $0) },
      uniquingKeysWith: { $1 })
    return Dictionary(
      hits.map { hit in (hit.id, Self.seqs(around: hit, count).sorted().compactMap { bySeq[$0] }) },
      uniquingKeysWith: { $1 })
  }

  private static func seqs(around hit: Message, _ count: Int64) -> [Int64] {
    guard count > 0 else { return [] }
    return (1...count).flatMap { [hit.seq - $0, hit.seq + $0] }.filter { $0 > 0 }
  }
}
