import ChatRooms

/// What a batch owes to deleted users whose messages are erased or anonymized.
///
/// The record of it is read under the lane's lock. So whatever was on its way when the user was deleted is either
/// committed before a sweep takes that lock, and found by it, or refused here.
extension LaneBatch {
  /// Nothing is added in a deleted user's name, and what is to be erased counts as gone before it is.
  func refusalOfErased(_ submission: Submission) -> ChatError? {
    switch submission.action {
    case .send:
      return readings.erased[submission.actor.id].map { _ in .userDeleted(submission.actor.name) }
    case .edit(let base, _):
      if readings.erased[submission.actor.id] != nil { return .userDeleted(submission.actor.name) }
      return readings.erased[base.userID] == .erase ? .messageNotFound(base.room, base.seq) : nil
    case .delete, .withdraw, .remove, .close, .announceImport: return nil
    }
  }

  /// A message as it may be written again: without an author who was taken away since the caller found it.
  func attributed(_ base: Message) -> Message { readings.erased[base.userID] == nil ? base : base.anonymized }

  /// Of two sweeps, or of a sweep and somebody's edit, the second finds another state than it read, and looks again.
  mutating func withdraw(_ submission: Submission, _ base: Message, _ fate: MessageFate) -> Outcome {
    if let change = newestChange(of: base), change.event > base.revised { return .refused(.messageChanged(base)) }
    let message = base.anonymized
    guard fate == .erase || base.isDeleted else {
      return .committed(append(.edit, message, submission, ref: nil), duplicate: false)
    }
    let event = append(.deletion, message.tombstone(revised: base.revised), submission, ref: nil)
    readings.add(past: event)
    return .committed(event, duplicate: false)
  }
}

extension Submission {
  var isWithdrawal: Bool { if case .withdraw = action { true } else { false } }

  /// Whose erasure would make a difference.
  var authors: [UserID] {
    switch action {
    case .send: [actor.id]
    case .edit(let base, _): [actor.id, base.userID]
    case .delete(let base): [base.userID]
    case .withdraw, .remove, .close, .announceImport: []
    }
  }
}

extension ChatError {
  static func userDeleted(_ name: String) -> ChatError {
    ChatError(403, "user_deleted", "User \(name) was deleted.", parameter: "user")
  }

  /// For sweeps alone: clients are never answered so.
  static func messageChanged(_ base: Message) -> ChatError {
    ChatError(409, messageChangedWord, "Message \(base.seq) of room \(base.room) has changed since it was read.")
  }

  static let messageChangedWord = "message_changed"
}
