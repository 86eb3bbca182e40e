import ChatRooms
import Foundation
import HistoryIndex

/// A journal that commits everything at once and keeps what it was asked.
final class MemoryJournal: Journal, @unchecked Sendable {
  private let lock = NSLock()
  private var events: [RoomEvent] = []

  let laneCount = 1

  var committed: [RoomEvent] { lock.withLock { events } }

  func makeCommitter() -> any JournalCommitter { Committer(journal: self) }
  func heads() async throws -> [LaneHead] { [LaneHead(lane: 0, head: Int64(committed.count), indexed: 0)] }
  func events(lane: Int, after position: Int64, limit: Int) async throws -> [RoomEvent] { [] }

  func position(of room: RoomID) async throws -> RoomPosition? {
    RoomPosition(epoch: "k0", lastEvent: 3, lastSeq: 3)
  }

  func messages(in room: RoomID, seqs: ClosedRange<Int64>) async throws -> [Message] { [] }
  func messages(in room: RoomID, seqs: [Int64]) async throws -> [Message] { [] }
  func changes(in room: RoomID, after event: Int64, limit: Int) async throws -> [RoomChange] { [] }

  /// Numbers events from 4 on: rooms begin with three messages here.
  fileprivate func commit(_ submission: Submission) -> Outcome {
    lock.withLock {
      let sent = events.first { $0.message.ref == submission.ref && $0.message.userID == submission.actor.id }
      let number = Int64(events.count) + 4
      var message = Message(
        room: submission.room.id, seq: 0, event: number, revised: number, user: submission.actor.name,
        userID: submission.actor.id, text: "", timestamp: 10, ref: submission.ref)
      var kind = RoomEvent.Kind.message
      switch submission.action {
      case .send(let text, let data, let replyTo):
        if let sent {
          return sent.message.text == text
            ? .committed(sent, duplicate: true)
            : .refused(ChatError(409, "ref_conflict", "another text", parameter: "ref"))
        }
        message.seq = number
        message.text = text
        message.data = data
        message.replyTo = replyTo
      case .edit(let base, let text):
        kind = .edit
        message = base
        message.revised = number
        message.text = text
      case .delete(let base), .withdraw(let base, _):
        kind = .deletion
        message = base
        message.revised = number
        message.isDeleted = true
      case .remove(let user):
        kind = .removal
        message.user = user.name
      case .close: kind = .closure
      case .announceImport: kind = .imported
      }
      let event = RoomEvent(
        kind: kind, event: number, lastSeq: number, message: message, timestamp: 10, lane: 0, position: number,
        routing: submission.room.routing, roomKind: submission.room.kind, nonce: submission.nonce)
      events.append(event)
      return .committed(event, duplicate: false)
    }
  }

  private final class Committer: JournalCommitter {
    let batch = 100

    let journal: MemoryJournal

    init(journal: MemoryJournal) { self.journal = journal }

    func commit(_ batch: [Submission]) throws -> [Outcome] { batch.map(journal.commit) }
  }
}
