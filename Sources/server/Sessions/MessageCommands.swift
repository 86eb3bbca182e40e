import ChatRooms
import HistoryIndex

/// Changes messages after the fact, for sessions and for HTTP alike: finds the message, checks who may, submits.
struct MessageCommands: Sendable {
  let rooms: any RoomStore
  let history: any History
  let writer: any EventWriter

  /// Who changes something, and in which capacity.
  struct Actor: Sendable {
    var user: User
    var isAdmin: Bool
  }

  /// A message after its change.
  struct Changed: Sendable, Equatable {
    /// In the state after the change; empty and `isDeleted` after a deletion.
    var message: Message
    /// The event that changed it.
    var event: Int64
    var timestamp: Milliseconds
    /// The same had been done before.
    var isDuplicate: Bool
  }

  /// - Parameter text: within `MessageLimits.textBytes`; see `MessageDraft.text`.
  /// - Throws: `ChatError` 404 `message_not_found`, also for a deleted one; 403; 503.
  func edit(_ seq: Int64, in room: Room, text: String, by actor: Actor, ref: String?) async throws -> Changed {
    let base = try await message(seq, in: room)
    // An edit that was stored under this ref, and whose message was deleted since, was still that edit.
    guard !base.isDeleted || ref != nil else { throw ChatError.messageNotFound(room.id, seq) }
    try await checkRights(actor, on: base)
    return try await submit(.edit(base: base, text: text), in: room, by: actor, ref: ref)
  }

  /// Deleting what is deleted succeeds.
  ///
  /// - Throws: `ChatError` 404 `message_not_found`; 403; 503.
  func delete(_ seq: Int64, in room: Room, by actor: Actor, ref: String?) async throws -> Changed {
    let base = try await message(seq, in: room)
    try await checkRights(actor, on: base)
    if base.isDeleted, ref == nil { return Self.deletedBefore(base) }
    do {
      return try await submit(.delete(base: base), in: room, by: actor, ref: ref)
    } catch {
      guard (400..<500).contains(error.status), error.word != "ref_conflict" else { throw error }
      // Another's deletion may have come first.
      let present = try await message(seq, in: room)
      guard present.isDeleted else { throw error }
      return Self.deletedBefore(present)
    }
  }

  private static func deletedBefore(_ message: Message) -> Changed {
    Changed(
      message: message, event: message.revised, timestamp: message.editedAt ?? message.timestamp, isDuplicate: true)
  }

  private func message(_ seq: Int64, in room: Room) async throws -> Message {
    guard let message = try await history.messages(in: room, seqs: [seq]).first else {
      throw ChatError.messageNotFound(room.id, seq)
    }
    return message
  }

  /// Author, owner of the room, or admin.
  private func checkRights(_ actor: Actor, on message: Message) async throws {
    if actor.isAdmin || message.userID == actor.user.id { return }
    let membership = try await rooms.membership(room: message.room, user: actor.user.id)
    guard membership?.role == .owner else {
      throw ChatError.forbidden("Only its author, an owner of the room or an admin may change a message.")
    }
  }

  private func submit(
    _ action: Submission.Action, in room: Room, by actor: Actor, ref: String?
  ) async throws(ChatError) -> Changed {
    let committed = try await writer.submit(Submission(room: room, action: action, actor: actor.user, ref: ref))
    return Changed(
      message: committed.event.message, event: committed.event.event, timestamp: committed.event.timestamp,
      isDuplicate: committed.isDuplicate)
  }
}
