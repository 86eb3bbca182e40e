import ChatRooms

/// The messages of rooms in their present state, whichever store holds them.
public protocol History: Sendable {
  /// Every message of a range in its present state, deleted ones as tombstones, rising by `seq` and without a hole.
  ///
  /// - Parameter seqs: within 1 ... the room's `lastSeq`; at most `HistoryLimits.block` long.
  /// - Throws: `ChatError.unavailable` rather than returning with a hole.
  func messages(in room: Room, seqs: ClosedRange<Int64>) async throws -> [Message]

  /// Single messages, as above. Numbers that do not exist are missing in the result.
  func messages(in room: Room, seqs: [Int64]) async throws -> [Message]
}

public enum HistoryLimits {
  /// The most messages read at once.
  public static let block = 1_000
  /// Messages of a room's tail, unless somebody asks for more.
  static let tail = 256
  /// Messages of an HTTP page.
  public static let page = 1...200
  public static let defaultPage = 50
  public static let join = 1...1_000

  /// Messages of a join that asks for no number: who resumes wants all that was missed.
  public static func defaultJoin(since: Int64?) -> Int { since == nil ? 100 : join.upperBound }
}
