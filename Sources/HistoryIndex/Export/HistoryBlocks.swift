import ChatRooms
import Drivers

/// A stretch of a room's messages, read at once.
struct HistoryBlock: Sendable {
  var room: Room
  var seqs: ClosedRange<Int64>
}

/// The blocks of rooms one after the other.
private struct BlockIterator: IteratorProtocol {
  var rooms: ArraySlice<CatalogueRoom>
  var first: Int64 = 1

  mutating func next() -> HistoryBlock? {
    while let entry = rooms.first {
      guard first <= entry.lastSeq else {
        rooms.removeFirst()
        first = 1
        continue
      }
      let last = min(entry.lastSeq, first + Int64(HistoryLimits.block) - 1)
      defer { first = last + 1 }
      return HistoryBlock(room: entry.room, seqs: first...last)
    }
    return nil
  }
}

/// An export cannot be whole.
public struct ExportFailure: Error, Sendable, CustomStringConvertible {
  public var description: String

  public init(_ description: String) { self.description = description }
}

/// Reads the history of rooms in blocks, a few ahead of whoever takes them, in order and without a hole.
struct HistoryBlocks: Sendable {
  /// Blocks that are read at once, and so the most that are in memory.
  static let ahead = 4

  private let history: any History
  /// Of a block, before it is given up; a back end may be busy for a moment.
  private let attempts: Int

  init(history: any History, attempts: Int) {
    self.history = history
    self.attempts = max(1, attempts)
  }

  /// - Throws: `ExportFailure`, `CancellationError`, or what `take` throws.
  func read(_ rooms: [CatalogueRoom], take: (HistoryBlock, [Message]) async throws -> Void) async throws {
    var blocks = BlockIterator(rooms: rooms[...])
    try await withThrowingTaskGroup(of: (Int, HistoryBlock, [Message]).self) { group in
      var begun = 0
      func begin() {
        guard let block = blocks.next() else { return }
        let number = begun
        begun += 1
        group.addTask { (number, block, try await messages(of: block)) }
      }
      for _ in 0..<Self.ahead { begin() }
      var (next, waiting): (Int, [Int: (HistoryBlock, [Message])]) = (0, [:])
      while let (number, block, messages) = try await group.next() {
        waiting[number] = (block, messages)
        while let (block, messages) = waiting.removeValue(forKey: next) {
          try await take(block, messages)
          next += 1
          begin()
        }
      }
    }
  }

  private func messages(of block: HistoryBlock) async throws -> [Message] {
    var (attempt, backoff) = (0, Backoff())
    while true {
      attempt += 1
      do {
        let messages = try await history.messages(in: block.room, seqs: block.seqs)
        guard messages.lazy.map(\.seq).elementsEqual(block.seqs) else {
          throw ExportFailure("messages are missing")
        }
        return messages
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        guard attempt < attempts else { throw Self.failure(block, error) }
        try await Task.sleep(for: backoff.next())
      }
    }
  }

  private static func failure(_ block: HistoryBlock, _ error: any Error) -> ExportFailure {
    let room = block.room
    let name = room.name.map { " ('\($0)')" } ?? ""
    return ExportFailure(
      "room \(room.id)\(name), messages \(block.seqs.lowerBound) to \(block.seqs.upperBound): "
        + "\((error as? ChatError)?.message ?? "\(error)"); 'palaver verify --room \(room.id)' says what is missing")
  }
}
