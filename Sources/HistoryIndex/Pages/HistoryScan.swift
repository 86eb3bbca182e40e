import ChatRooms

/// Reads messages that are not deleted from a store, in growing ranges from where a page's two directions meet.
struct HistoryScan {
  let history: any History
  let room: Room
  let lastSeq: Int64

  /// Up to as many messages as the query looks for in each direction, rising. One read brings both where none is deleted.
  func messages(_ query: HistoryQuery) async throws -> (before: [Message], after: [Message]) {
    let (older, newer) = (query.backward, query.forward)
    let middle = min(older.seq, lastSeq)
    let lower = max(1, middle - Int64(older.count) + 1)
    let upper = newer.map { $0.seq > lastSeq ? lastSeq : min(lastSeq, max(1, $0.seq) + Int64($0.count) - 1) } ?? middle
    guard lower <= upper else { return ([], []) }
    let met = try await visible(lower...upper)
    let before = try await extend(Array(met.prefix { $0.seq <= middle }), below: lower, to: older.count)
    guard let newer else { return (before.suffix(older.count), []) }
    let after = try await extend(met.filter { $0.seq >= newer.seq }, above: upper, to: newer.count)
    return (before.suffix(older.count), Array(after.prefix(newer.count)))
  }

  private func extend(_ found: [Message], below seq: Int64, to count: Int) async throws -> [Message] {
    var (found, upper, span) = (found, seq - 1, count)
    while upper >= 1, found.count < count {
      span = min(span * 2, HistoryLimits.block)
      let lower = max(1, upper - Int64(span) + 1)
      found = try await visible(lower...upper) + found
      upper = lower - 1
    }
    return found
  }

  private func extend(_ found: [Message], above seq: Int64, to count: Int) async throws -> [Message] {
    var (found, lower, span) = (found, seq + 1, count)
    while lower <= lastSeq, found.count < count {
      span = min(span * 2, HistoryLimits.block)
      let upper = min(lastSeq, lower + Int64(span) - 1)
      found += try await visible(lower...upper)
      lower = upper + 1
    }
    return found
  }

  private func visible(_ seqs: ClosedRange<Int64>) async throws -> [Message] {
    try Task.checkCancellation()
    return try await history.messages(in: room, seqs: seqs).filter { !$0.isDeleted }
  }
}
