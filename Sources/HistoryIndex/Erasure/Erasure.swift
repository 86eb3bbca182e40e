import ChatRooms
import Drivers

/// A deleted user whose messages are to be erased or anonymized, and how far that is.
public struct Erasure: Sendable, Equatable {
  public var user: UserID
  public var name: String
  public var fate: MessageFate
  public var requestedAt: Milliseconds
  /// `nil` while it is under way.
  public var finishedAt: Milliseconds?
  /// Messages changed so far.
  public var messages: Int64

  public init(
    user: UserID, name: String, fate: MessageFate, requestedAt: Milliseconds, finishedAt: Milliseconds? = nil,
    messages: Int64 = 0
  ) {
    self.user = user
    self.name = name
    self.fate = fate
    self.requestedAt = requestedAt
    self.finishedAt = finishedAt
    self.messages = messages
  }

  public var isFinished: Bool { finishedAt != nil }
}

extension Erasure {
  static let columns = "user_id, user_name, mode, requested_at, finished_at, messages"

  /// From `columns`; `nil` for a row that no version of this program has written.
  init?(_ row: SQLRow) {
    guard let user = row.integer(0), let name = row.text(1), let fate = MessageFate(stored: row.integer(2)),
      let requestedAt = row.integer(3)
    else { return nil }
    self.init(
      user: user, name: name, fate: fate, requestedAt: requestedAt, finishedAt: row.integer(4),
      messages: row.integer(5) ?? 0)
  }
}
