import ChatRooms
import HistoryIndex

/// Where sessions and commands submit events: the journal's writer, or a stand-in in tests.
protocol EventWriter: Sendable {
  /// Messages of one sender in one room are stored in the order in which they were submitted.
  func submit(_ submission: Submission, completion: @escaping JournalWriter.Completion)
  /// Several, in their order; the answers of a batch come together, each with its ticket.
  func submit(contentsOf submissions: [TicketedSubmission], to listener: any SubmissionListener)
}

extension JournalWriter: EventWriter {}

extension EventWriter {
  func submit(contentsOf submissions: [TicketedSubmission], to listener: any SubmissionListener) {
    for item in submissions {
      submit(item.submission) {
        listener.take([SubmissionAnswer(ticket: item.ticket, submission: item.submission, result: $0)])
      }
    }
  }

  func submit(_ submission: Submission) async throws(ChatError) -> JournalWriter.Committed {
    let result = await withCheckedContinuation { continuation in
      submit(submission) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }
}

/// Where connections join rooms: the hub, or a stand-in in tests.
protocol RoomJoiner: Sendable {
  func attach(_ loop: any DeliveryLoop) -> Int
  func join(_ request: JoinRequest, loop: Int)
  func leave(_ subscription: SubscriptionID, room: RoomID, loop: Int)
  /// - Parameter user: is not told.
  func notice(_ frame: WebSocketFrame, in room: RoomID, except user: String?)
}

extension RoomHub: RoomJoiner {}
