import ChatRooms
import Foundation

/// A room's `PageWindow` as all threads share it. Every call takes a lock for microseconds; `fill` waits for stores.
public final class RoomWindow: @unchecked Sendable {
  let room: Room
  private let lock = NSLock()
  private var window: PageWindow
  /// Blocks being read, with the room's events since their read began.
  private var fills: [Int64: [RoomEvent]] = [:]
  private var waiting: [CheckedContinuation<Void, Never>] = []
  /// Set once everything that had been committed here before the window was made has been applied.
  private var isConfirmed = false
  private var usedAt: Milliseconds

  init(_ room: Room, _ window: PageWindow, now: Milliseconds) {
    self.room = room
    self.window = window
    usedAt = now
  }

  var byteCount: Int { lock.withLock { window.byteCount } }

  /// Bounds what older blocks take from now on.
  func limitOlder(to bytes: Int) { lock.withLock { window.limitOlder(to: bytes) } }

  var lastUse: Milliseconds { lock.withLock { usedAt } }

  func confirm() { lock.withLock { isConfirmed = true } }

  /// - Returns: `.behind` too while the window may lack what this server itself has acknowledged.
  func answer(_ query: HistoryQuery, now: Milliseconds) -> PageWindow.Answer {
    lock.withLock {
      usedAt = now
      return isConfirmed ? window.answer(query) : .behind
    }
  }

  // MARK: Events

  /// An event that was committed here or told by the bus, in any order.
  func heard(_ event: RoomEvent) {
    lock.withLock {
      window.heard(event)
      note(event)
    }
  }

  /// The room's next event. Returns false where the window cannot follow any more.
  func apply(_ event: RoomEvent) -> Bool {
    lock.withLock {
      note(event)
      return window.apply(event)
    }
  }

  /// Uses a tail's memory for a block, where it has the same.
  func share(_ block: MessageBlock) { lock.withLock { window.share(block) } }

  private func note(_ event: RoomEvent) {
    guard !fills.isEmpty, event.kind == .edit || event.kind == .deletion else { return }
    for block in fills.keys where MessageBlock.seqs(of: block).contains(event.message.seq) {
      fills[block]?.append(event)
    }
  }

  // MARK: Older blocks

  /// Reads blocks that are missing. Where others read some of them already, waits for those instead.
  ///
  /// - Parameter seqs: whole blocks.
  func fill(_ seqs: ClosedRange<Int64>, history: any History, journal: any Journal) async throws {
    guard let own = claim(seqs) else { return await othersEnd(seqs) }
    do {
      let range = MessageBlock.seqs(of: own.lowerBound).lowerBound...MessageBlock.seqs(of: own.upperBound).upperBound
      let messages = try await history.messages(in: room, seqs: range)
      // A database may show what a crash takes back: that must not be kept.
      try await journal.flush()
      end(own, messages)
    } catch {
      end(own, [])
      throw error
    }
  }

  /// The first run of blocks that nobody reads and nobody has read.
  private func claim(_ seqs: ClosedRange<Int64>) -> ClosedRange<Int64>? {
    lock.withLock {
      let blocks = MessageBlock.number(of: seqs.lowerBound)...MessageBlock.number(of: seqs.upperBound)
      let free = blocks.drop { fills[$0] != nil || window.holds(block: $0) }
        .prefix { fills[$0] == nil && !window.holds(block: $0) }
      guard let first = free.first, let last = free.last else { return nil }
      for block in first...last { fills[block] = [] }
      return first...last
    }
  }

  private func end(_ blocks: ClosedRange<Int64>, _ messages: [Message]) {
    let waiting = lock.withLock {
      let byBlock = Dictionary(grouping: messages) { MessageBlock.number(of: $0.seq) }
      for block in blocks {
        let changes = fills.removeValue(forKey: block) ?? []
        if let messages = byBlock[block] { window.insert(block: block, messages, changes: changes) }
      }
      defer { self.waiting = [] }
      return self.waiting
    }
    for waiter in waiting { waiter.resume() }
  }

  private func othersEnd(_ seqs: ClosedRange<Int64>) async {
    await withCheckedContinuation { continuation in
      let isWaiting = lock.withLock {
        guard !fills.isEmpty else { return false }
        waiting.append(continuation)
        return true
      }
      if !isWaiting { continuation.resume() }
    }
  }
}
