import ChatRooms
import Foundation

/// A submission that waits for a writer.
struct PendingSubmission: Sendable {
  /// Who is told what became of it.
  enum Answer: Sendable {
    case completion(JournalWriter.Completion)
    case listener(any SubmissionListener, ticket: UInt64)
  }

  var submission: Submission
  var answer: Answer
  /// Of the monotonic clock: a step of the wall clock must not end anybody's patience.
  var deadline: DispatchTime
}

/// What a writer has not committed, and which of it goes into the next transaction.
struct WaitingSubmissions {
  /// What has been in a transaction that came to nothing: first in the next, in its order.
  private var returned: ArraySlice<PendingSubmission> = []
  private var queue = FairQueue<UserID, PendingSubmission> { $0.submission.actor.id }

  var isEmpty: Bool { returned.isEmpty && queue.isEmpty }

  /// Returns what there is no room for: beyond `limit`, only who has nothing waiting is let in.
  mutating func add(_ arrived: [PendingSubmission], limit: Int) -> [PendingSubmission] {
    var refused: [PendingSubmission] = []
    for pending in arrived {
      if queue.count >= limit, queue.isWaiting(pending.submission.actor.id) {
        refused.append(pending)
      } else {
        queue.append(pending)
      }
    }
    return refused
  }

  /// See `FairQueue.take`.
  mutating func take(upTo limit: Int, crowded: Int) -> [PendingSubmission] {
    let again = returned.prefix(limit)
    returned = returned.dropFirst(limit)
    return again + queue.take(upTo: limit - again.count, crowded: crowded - again.count)
  }

  mutating func putBack(_ batch: [PendingSubmission]) {
    if !batch.isEmpty { returned = ArraySlice(batch + returned) }
  }

  mutating func takeExpired(at now: DispatchTime) -> [PendingSubmission] {
    var expired = queue.takeLeading { $0.deadline <= now }
    if !returned.isEmpty {
      expired += returned.filter { $0.deadline <= now }
      returned = ArraySlice(returned.filter { $0.deadline > now })
    }
    return expired
  }
}
