import ChatRooms
import Drivers
import HistoryIndex

/// Which part of a room's history is asked for.
struct HistoryQuery: Sendable, Equatable {
  enum Anchor: Sendable, Equatable {
    case newest
    /// Excludes this message.
    case before(Int64)
    /// Excludes this message.
    case after(Int64)
    /// This message in the middle, if it is not deleted.
    case around(Int64)
  }

  var anchor: Anchor
  var limit: Int

  /// - Parameters are as a client gave them; `nil`: not at all.
  /// - Throws: `ChatError` 400 for a limit outside of `HistoryLimits.page`, a negative number, two anchors.
  init(before: Int64?, after: Int64?, around: Int64?, limit: Int64?) throws(ChatError) {
    guard [before, after, around].compactMap({ $0 }).count <= 1 else {
      throw ChatError.invalid("anchor", "Of before, after and around only one may be given.")
    }
    for (name, value) in [("before", before), ("after", after), ("around", around)] where value ?? 0 < 0 {
      throw ChatError.invalid(name, "\(name) is the number of a message.")
    }
    let limit = limit ?? Int64(HistoryLimits.defaultPage)
    guard let limit = Int(exactly: limit), HistoryLimits.page.contains(limit) else {
      throw ChatError.invalid("limit", "limit is between 1 and \(HistoryLimits.page.upperBound).")
    }
    self.limit = limit
    anchor =
      before.map(Anchor.before) ?? after.map(Anchor.after) ?? around.map(Anchor.around) ?? .newest
  }
}

/// Messages of a room, oldest first, and whether there are others on either side.
struct HistoryPage: Sendable, Equatable {
  var messages: [Message]
  var hasMoreBefore: Bool
  var hasMoreAfter: Bool
  var epoch: String

  /// The members of the reply, without the braces.
  func write(to writer: inout JSONWriter) {
    writer.key("messages")
    writer.array { array in
      for message in messages { array.object { MessageWire.members(of: message, in: &$0) } }
    }
    writer.member("has_more_before", hasMoreBefore)
    writer.member("has_more_after", hasMoreAfter)
    writer.member("epoch", epoch)
  }
}

/// Reads pages of history. Deleted messages are left out, and a page is filled up over them.
struct HistoryPages: Sendable {
  let journal: any Journal
  let history: any History

  /// - Throws: `ChatError` 404 for a room that is gone, 503 while a store does not answer.
  func page(of room: Room, _ query: HistoryQuery) async throws -> HistoryPage {
    guard let position = try await journal.position(of: room.id) else { throw ChatError.roomNotFound(room.id) }
    let scan = HistoryScan(history: history, room: room, lastSeq: position.lastSeq)
    let (before, after) = try await sides(query, scan)
    let (beforeCount, afterCount) = Self.share(query, before.count, after.count)
    return HistoryPage(
      messages: before.suffix(beforeCount) + after.prefix(afterCount), hasMoreBefore: before.count > beforeCount,
      hasMoreAfter: after.count > afterCount, epoch: position.epoch)
  }

  /// One message more than wanted on each side tells whether there is more.
  private func sides(_ query: HistoryQuery, _ scan: HistoryScan) async throws -> ([Message], [Message]) {
    switch query.anchor {
    case .newest: (try await scan.backward(from: .max, count: query.limit + 1), [])
    case .before(let seq):
      (try await scan.backward(from: seq - 1, count: query.limit + 1), try await scan.forward(from: seq, count: 1))
    case .after(let seq):
      (
        try await scan.backward(from: seq, count: 1),
        seq == .max ? [] : try await scan.forward(from: seq + 1, count: query.limit + 1)
      )
    case .around(let seq):
      (
        try await scan.backward(from: seq - 1, count: query.limit + 1),
        try await scan.forward(from: seq, count: query.limit + 1)
      )
    }
  }

  /// How many messages of either side are shown.
  private static func share(_ query: HistoryQuery, _ before: Int, _ after: Int) -> (before: Int, after: Int) {
    switch query.anchor {
    case .newest, .before: return (min(before, query.limit), 0)
    case .after: return (0, min(after, query.limit))
    case .around:
      let shownAfter = min(after, query.limit - min(before, query.limit / 2))
      return (min(before, query.limit - shownAfter), shownAfter)
    }
  }
}

/// Reads messages that are not deleted in one direction, in growing ranges.
private struct HistoryScan {
  let history: any History
  let room: Room
  let lastSeq: Int64

  /// The `count` messages up to `seq`, rising.
  func backward(from seq: Int64, count: Int) async throws -> [Message] {
    var found: [Message] = []
    var upper = min(seq, lastSeq)
    var span = count
    while upper >= 1, found.count < count {
      let lower = max(1, upper - Int64(span) + 1)
      found = try await visible(lower...upper) + found
      upper = lower - 1
      span = min(span * 2, HistoryLimits.block)
    }
    return found.suffix(count)
  }

  /// The `count` messages from `seq` on, rising.
  func forward(from seq: Int64, count: Int) async throws -> [Message] {
    var found: [Message] = []
    var lower = max(1, seq)
    var span = count
    while lower <= lastSeq, found.count < count {
      let upper = min(lastSeq, lower + Int64(span) - 1)
      found += try await visible(lower...upper)
      lower = upper + 1
      span = min(span * 2, HistoryLimits.block)
    }
    return Array(found.prefix(count))
  }

  private func visible(_ seqs: ClosedRange<Int64>) async throws -> [Message] {
    try Task.checkCancellation()
    return try await history.messages(in: room, seqs: seqs).filter { !$0.isDeleted }
  }
}
