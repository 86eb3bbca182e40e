import ChatRooms

/// A submission with a number that comes back with its answer.
public struct TicketedSubmission: Sendable {
  public var ticket: UInt64
  public var submission: Submission

  public init(ticket: UInt64, submission: Submission) {
    self.ticket = ticket
    self.submission = submission
  }
}

/// What became of a submission, for whoever submitted it.
public struct SubmissionAnswer: Sendable {
  /// As it was given with the submission.
  public var ticket: UInt64
  public var submission: Submission
  /// A `.failure` is as for `JournalWriter.Completion`.
  public var result: Result<JournalWriter.Committed, ChatError>

  public init(ticket: UInt64, submission: Submission, result: Result<JournalWriter.Committed, ChatError>) {
    self.ticket = ticket
    self.submission = submission
    self.result = result
  }
}

/// Takes the answers of many submissions at once: those of a whole batch wake it once.
public protocol SubmissionListener: AnyObject, Sendable {
  /// Called as a `JournalWriter.Completion` is; must not wait.
  func take(_ answers: [SubmissionAnswer])
}

/// Answers that wait until their batch is gone through, by listener. There are few of them: one an edge loop.
struct AnswerRun {
  private var runs: [(listener: any SubmissionListener, answers: [SubmissionAnswer])] = []

  mutating func add(_ answer: SubmissionAnswer, for listener: any SubmissionListener) {
    for index in runs.indices where runs[index].listener === listener {
      runs[index].answers.append(answer)
      return
    }
    runs.append((listener, [answer]))
  }

  mutating func deliver() {
    for run in runs { run.listener.take(run.answers) }
    runs.removeAll(keepingCapacity: true)
  }
}
