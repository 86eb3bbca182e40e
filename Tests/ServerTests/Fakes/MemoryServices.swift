import ChatRooms
import Drivers
import Foundation
import HistoryIndex

@testable import server

/// Who is where, in memory.
final class MemoryPresence: Presence, @unchecked Sendable {
  private let lock = NSLock()
  private var present: [RoomID: [String]] = [:]

  func enter(room: RoomID, user: String) async { lock.withLock { present[room, default: []].append(user) } }

  func leave(room: RoomID, user: String) {
    lock.withLock { if let index = present[room]?.firstIndex(of: user) { present[room]?.remove(at: index) } }
  }

  func users(in room: RoomID) async -> [String] { lock.withLock { Set(present[room] ?? []).sorted() } }

  func counts(in rooms: [RoomID]) async -> [RoomID: Int] {
    lock.withLock { Dictionary(uniqueKeysWithValues: rooms.map { ($0, Set(present[$0] ?? []).count) }) }
  }
}

/// Keeps what is published.
final class MemoryBus: Bus, @unchecked Sendable {
  private let lock = NSLock()
  private var messages: [BusMessage] = []

  var published: [BusMessage] { lock.withLock { messages } }
  func publish(_ message: BusMessage) { lock.withLock { messages.append(message) } }
  func onMessage(_ handler: @escaping @Sendable (BusMessage) -> Void) {}
}

/// Rooms that hold three messages each.
struct MemoryHistory: History, Search {
  static func message(_ room: RoomID, _ seq: Int64) -> Message {
    Message(
      room: room, seq: seq, event: seq, revised: seq, user: "John", userID: 1, text: "message \(seq)",
      timestamp: 1_700_000_000_000 + seq)
  }

  func messages(in room: Room, seqs: ClosedRange<Int64>) async throws -> [Message] {
    seqs.map { Self.message(room.id, $0) }
  }

  func messages(in room: Room, seqs: [Int64]) async throws -> [Message] { seqs.map { Self.message(room.id, $0) } }

  func search(_ request: SearchRequest) async throws -> SearchPage {
    let hit = SearchHit(message: Self.message(1, 2), score: nil, highlights: [Highlight(start: 0, length: 7)])
    return SearchPage(
      hits: request.query == "nothing" ? [] : [hit], total: 1, isTotalLowerBound: false, next: "more",
      isComplete: true, freshAsOf: 5)
  }
}
