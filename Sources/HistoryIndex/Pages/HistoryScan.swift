import ChatRooms

/// Reads messages that are not deleted from a store, in one direction, in growing ranges.
struct HistoryScan {
  let history: any History
  let room: Room
  let lastSeq: Int64

  /// Up to `count` messages from `seq` towards older ones, rising.
  func backward(_ side: HistoryQuery.Side) async throws -> [Message] {
    var found: [Message] = []
    var upper = min(side.seq, lastSeq)
    var span = side.count
    while upper >= 1, found.count < side.count {
      let lower = max(1, upper - Int64(span) + 1)
      found = try await visible(lower...upper) + found
      upper = lower - 1
      span = min(span * 2, HistoryLimits.block)
    }
    return found.suffix(side.count)
  }

  /// Up to `count` messages from `seq` on, rising.
  func forward(_ side: HistoryQuery.Side?) async throws -> [Message] {
    guard let side else { return [] }
    var found: [Message] = []
    var lower = max(1, side.seq)
    var span = side.count
    while lower <= lastSeq, found.count < side.count {
      let upper = min(lastSeq, lower + Int64(span) - 1)
      found += try await visible(lower...upper)
      lower = upper + 1
      span = min(span * 2, HistoryLimits.block)
    }
    return Array(found.prefix(side.count))
  }

  private func visible(_ seqs: ClosedRange<Int64>) async throws -> [Message] {
    try Task.checkCancellation()
    return try await history.messages(in: room, seqs: seqs).filter { !$0.isDeleted }
  }
}
