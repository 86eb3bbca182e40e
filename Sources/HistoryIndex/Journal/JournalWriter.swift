import ChatRooms
import Drivers
import Foundation

/// Takes submissions from many threads and commits them in natural batches: while one commits, the next gathers.
///
/// A lane, and with it a room, is always the same writer's, so that two messages of one sender keep their order and
/// writers of one server never wait for each other's locks.
public final class JournalWriter: Sendable {
  /// Called once, on a writer's thread or, where the submission was not taken at all, on the caller's; must not wait. A `.failure` is a `ChatError`; of a 503 `unavailable` it is
  /// unknown whether the submission was stored, and the same ref may be sent again.
  public typealias Completion = @Sendable (Result<Committed, ChatError>) -> Void

  public struct Committed: Sendable {
    public var event: RoomEvent
    /// The same ref had been stored before.
    public var isDuplicate: Bool

    public init(event: RoomEvent, isDuplicate: Bool) {
      self.event = event
      self.isDuplicate = isDuplicate
    }
  }

  public struct Limits: Sendable {
    /// Submissions of one transaction while somebody alone has more than that waiting: others then wait for short
    /// transactions, not for long ones. See `JournalCommitter.batch` for those of other times.
    public var crowded = 25
    /// Submissions that may wait for one writer; beyond, those who have some waiting are told to come back.
    public var queue = 20_000
    /// A submission that could not be committed for this long is answered `unavailable`.
    public var patience: TimeInterval = 3

    public init() {}
  }

  private let writers: [Writer]
  private let gate: JournalGate?

  /// - Parameters:
  ///   - writers: threads, each with a connection of its own; one to four.
  ///   - gate: keeps messages out while the journal is full.
  ///   - onCommit: takes what was committed, in lane order, before the senders are answered. Must not wait.
  public init(
    journal: any Journal, writers count: Int, limits: Limits = Limits(), gate: JournalGate? = nil,
    metrics: Metrics, log: Log, onCommit: @escaping @Sendable ([RoomEvent]) -> Void
  ) {
    self.gate = gate
    let shared = WriterMetrics(metrics)
    writers = (0..<max(1, min(count, journal.laneCount))).map { number in
      Writer(
        name: "journal-\(number)", committer: journal.makeCommitter(), limits: limits, metrics: shared, log: log,
        onCommit: onCommit)
    }
  }

  public func submit(_ submission: Submission, completion: @escaping Completion) {
    if let error = gate?.refusal(of: submission.action) { return completion(.failure(error)) }
    writers[writerIndex(of: submission)].submit(submission, completion: completion)
  }

  /// Several, in their order: what comes together is committed together, and its answers come together too.
  public func submit(contentsOf submissions: [TicketedSubmission], to listener: any SubmissionListener) {
    var shares = [[TicketedSubmission]](repeating: [], count: writers.count)
    var refused: [SubmissionAnswer] = []
    for item in submissions {
      if let error = gate?.refusal(of: item.submission.action) {
        refused.append(SubmissionAnswer(ticket: item.ticket, submission: item.submission, result: .failure(error)))
      } else {
        shares[writerIndex(of: item.submission)].append(item)
      }
    }
    for (writer, share) in zip(writers, shares) where !share.isEmpty { writer.submit(contentsOf: share, to: listener) }
    if !refused.isEmpty { listener.take(refused) }
  }

  private func writerIndex(of submission: Submission) -> Int { abs(submission.room.lane % writers.count) }

  /// - Throws: `ChatError`.
  public func submit(_ submission: Submission) async throws(ChatError) -> Committed {
    let result = await withCheckedContinuation { continuation in
      submit(submission) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  /// Refuses what comes from now on, and returns once everything accepted was answered. Blocks.
  public func stop() {
    for writer in writers { writer.close() }
    for writer in writers { writer.join() }
  }
}

/// What the writers count.
struct WriterMetrics: Sendable {
  let committed: Counter
  let duplicates: Counter
  let refused: Counter
  let unavailable: Counter
  let busy: Counter
  let failures: Counter
  let batch: Histogram
  let commit: Histogram

  init(_ metrics: Metrics) {
    func counter(_ result: String) -> Counter {
      metrics.counter("palaver_submissions_total", "Submissions to the journal, by result.", ["result": result])
    }
    committed = counter("committed")
    duplicates = counter("duplicate")
    refused = counter("refused")
    unavailable = counter("unavailable")
    busy = metrics.counter("palaver_journal_busy_total", "Submissions put off because another server held the lane.")
    failures = metrics.counter("palaver_journal_failures_total", "Transactions of the journal that failed.")
    batch = metrics.histogram(
      "palaver_journal_batch_size", "Submissions in a transaction.", bounds: [1, 2, 5, 10, 20, 50, 100, 200, 400])
    commit = metrics.histogram("palaver_journal_commit_seconds", "Time of a transaction, begin to durable.")
  }
}
