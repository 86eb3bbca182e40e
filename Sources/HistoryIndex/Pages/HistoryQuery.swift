import ChatRooms

/// Which part of a room's history is asked for.
public struct HistoryQuery: Sendable, Hashable {
  public enum Anchor: Sendable, Hashable {
    case newest
    /// Excludes this message.
    case before(Int64)
    /// Excludes this message.
    case after(Int64)
    /// This message in the middle, if it is not deleted.
    case around(Int64)
  }

  public var anchor: Anchor
  public var limit: Int

  /// - Parameters are as a client gave them; `nil`: not at all.
  /// - Throws: `ChatError` 400 for a limit outside of `HistoryLimits.page`, a negative number, two anchors.
  public init(before: Int64?, after: Int64?, around: Int64?, limit: Int64?) throws(ChatError) {
    let anchors = [("before", before), ("after", after), ("around", around)].filter { $0.1 != nil }
    if anchors.count > 1 {
      throw ChatError.invalid(anchors[1].0, "Of before, after and around only one may be given.")
    }
    for (name, value) in anchors where value ?? 0 < 0 {
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

extension HistoryQuery {
  /// Messages that are looked for in one direction, those that are deleted not counted.
  struct Side {
    /// The first that may be taken.
    var seq: Int64
    /// One more than wanted tells whether there is more.
    var count: Int
  }

  /// What is looked for towards older messages; it may begin beyond the newest.
  var backward: Side {
    switch anchor {
    case .newest: Side(seq: .max, count: limit + 1)
    case .before(let seq), .around(let seq): Side(seq: seq - 1, count: limit + 1)
    case .after(let seq): Side(seq: seq, count: 1)
    }
  }

  /// What is looked for towards newer messages; `nil`: nothing.
  var forward: Side? {
    switch anchor {
    case .newest, .after(.max): nil
    case .before(let seq): Side(seq: seq, count: 1)
    case .after(let seq): Side(seq: seq + 1, count: limit + 1)
    case .around(let seq): Side(seq: seq, count: limit + 1)
    }
  }

  /// How many of the messages found on either side are shown.
  func shown(before: Int, after: Int) -> (before: Int, after: Int) {
    switch anchor {
    case .newest, .before: return (min(before, limit), 0)
    case .after: return (0, min(after, limit))
    case .around:
      let shownAfter = min(after, limit - min(before, limit / 2))
      return (min(before, limit - shownAfter), shownAfter)
    }
  }
}
