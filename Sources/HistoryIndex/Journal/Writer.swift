import ChatRooms
import Drivers
import Foundation

/// One writer: a queue, a thread, a connection.
final class Writer: Sendable {
  /// How long to wait before a lane that another server holds is tried again, and before a failed back end is.
  private static let busyDelay: TimeInterval = 0.002
  private static let failureDelays: [TimeInterval] = [0.01, 0.05, 0.2, 0.5]

  private let queue: WorkQueue<PendingSubmission>
  private let limits: JournalWriter.Limits
  private let metrics: WriterMetrics
  private let log: Log
  private let onCommit: @Sendable ([RoomEvent]) -> Void
  private let thread = ThreadBox()

  init(
    name: String, committer: any JournalCommitter, limits: JournalWriter.Limits, metrics: WriterMetrics, log: Log,
    onCommit: @escaping @Sendable ([RoomEvent]) -> Void
  ) {
    queue = WorkQueue(capacity: limits.queue)
    self.limits = limits
    self.metrics = metrics
    self.log = log
    self.onCommit = onCommit
    let owned = OwnedCommitter(committer)
    thread.start(name: name) { [self] in work(owned.committer) }
  }

  func submit(_ submission: Submission, completion: @escaping JournalWriter.Completion) {
    put([PendingSubmission(submission: submission, answer: .completion(completion), deadline: .now() + limits.patience)]
    )
  }

  func submit(contentsOf submissions: [TicketedSubmission], to listener: any SubmissionListener) {
    let deadline = DispatchTime.now() + limits.patience
    put(
      submissions.map {
        PendingSubmission(submission: $0.submission, answer: .listener(listener, ticket: $0.ticket), deadline: deadline)
      })
  }

  private func put(_ pending: [PendingSubmission]) {
    let taken = queue.put(contentsOf: pending)
    if taken < pending.count { refuse(Array(pending.dropFirst(taken))) }
  }

  func close() { queue.close() }
  func join() { thread.join() }

  // MARK: The thread

  private func work(_ committer: any JournalCommitter) {
    var waiting = WaitingSubmissions()
    var failures = 0
    while true {
      // What waits already goes on at once; otherwise the thread sleeps until something comes.
      guard let arrived = waiting.isEmpty ? queue.takeAll() : queue.takeWaitingNow() else { return }
      refuse(waiting.add(arrived, limit: limits.queue))
      // After repeated failures one by one, so that a submission that the database refuses harms no other.
      let batch = waiting.take(upTo: failures > 1 ? 1 : committer.batch, crowded: limits.crowded)
      do {
        let busy = try commit(batch, committer)
        failures = 0
        waiting.putBack(busy)
        if busy.count == batch.count, !busy.isEmpty { Thread.sleep(forTimeInterval: Self.busyDelay) }
      } catch let error as SQLError where error.kind == .other && batch.count == 1 {
        metrics.failures.add()
        log.error("submission refused by the database", ["error": "\(error)"])
        answer(batch.map { ($0, .failure(.unavailable("The journal"))) })
      } catch {
        metrics.failures.add()
        if failures == 0 { log.warning("journal transaction failed", ["error": "\(error)"]) }
        waiting.putBack(batch)
        Thread.sleep(forTimeInterval: Self.failureDelays[min(failures, Self.failureDelays.count - 1)])
        failures += 1
      }
      refuse(waiting.takeExpired(at: .now()))
    }
  }

  /// Returns what found its lane busy, in order; everything else was answered.
  private func commit(_ batch: [PendingSubmission], _ committer: any JournalCommitter) throws -> [PendingSubmission] {
    let start = DispatchTime.now().uptimeNanoseconds
    let outcomes = try committer.commit(batch.map(\.submission))
    metrics.commit.observe(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
    metrics.batch.observe(Double(batch.count))
    onCommit(Self.newEvents(outcomes))
    var busy: [PendingSubmission] = []
    var answers: [(PendingSubmission, Result<JournalWriter.Committed, ChatError>)] = []
    answers.reserveCapacity(batch.count)
    var committed = 0
    for (pending, outcome) in zip(batch, outcomes) {
      switch outcome {
      case .committed(let event, let duplicate):
        // A batch that is committed again after its outcome was unknown finds its own events.
        let isDuplicate = duplicate && event.nonce != pending.submission.nonce
        if isDuplicate { metrics.duplicates.add() } else { committed += 1 }
        answers.append((pending, .success(.init(event: event, isDuplicate: isDuplicate))))
      case .refused(let error):
        metrics.refused.add()
        answers.append((pending, .failure(error)))
      case .busy:
        metrics.busy.add()
        busy.append(pending)
      }
    }
    metrics.committed.add(committed)
    answer(answers)
    return busy
  }

  /// What was stored, in the order of the lanes.
  private static func newEvents(_ outcomes: [Outcome]) -> [RoomEvent] {
    let events = outcomes.compactMap(\.newEvent)
    // Batches of one lane, which most are, have their order.
    if let lane = events.first?.lane, events.allSatisfy({ $0.lane == lane }) { return events }
    return events.sorted { ($0.lane, $0.position) < ($1.lane, $1.position) }
  }

  private func answer(_ answers: [(PendingSubmission, Result<JournalWriter.Committed, ChatError>)]) {
    var run = AnswerRun()
    for (pending, result) in answers {
      switch pending.answer {
      case .completion(let complete): complete(result)
      case .listener(let listener, let ticket):
        run.add(SubmissionAnswer(ticket: ticket, submission: pending.submission, result: result), for: listener)
      }
    }
    run.deliver()
  }

  private func refuse(_ pending: [PendingSubmission]) {
    guard !pending.isEmpty else { return }
    metrics.unavailable.add(pending.count)
    answer(pending.map { ($0, .failure(.unavailable("The journal"))) })
  }
}

extension Outcome {
  /// The event, if this transaction stored it.
  fileprivate var newEvent: RoomEvent? {
    if case .committed(let event, duplicate: false) = self { event } else { nil }
  }
}

/// Hands a committer to the thread that owns it from then on.
private struct OwnedCommitter: @unchecked Sendable {
  let committer: any JournalCommitter

  init(_ committer: any JournalCommitter) { self.committer = committer }
}

/// A thread that starts when its owner is complete.
private final class ThreadBox: @unchecked Sendable {
  private var thread: WorkerThread?

  func start(name: String, _ body: @escaping @Sendable () -> Void) { thread = WorkerThread(name: name, body) }
  func join() { thread?.join() }
}
