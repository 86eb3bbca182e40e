import ChatRooms
import Drivers
import Foundation

/// One writer: a queue, a thread, a connection.
final class Writer: Sendable {
  private struct Pending: Sendable {
    var submission: Submission
    var completion: JournalWriter.Completion
    /// Of the monotonic clock: a step of the wall clock must not end anybody's patience.
    var deadline: DispatchTime
  }

  /// How long to wait before a lane that another server holds is tried again, and before a failed back end is.
  private static let busyDelay: TimeInterval = 0.002
  private static let failureDelays: [TimeInterval] = [0.01, 0.05, 0.2, 0.5]

  private let queue: WorkQueue<Pending>
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
    let pending = Pending(
      submission: submission, completion: completion, deadline: .now() + limits.patience)
    guard queue.put(pending) else {
      metrics.unavailable.add()
      completion(.failure(.unavailable("The journal")))
      return
    }
  }

  func submit(contentsOf requests: [JournalWriter.Request]) {
    let deadline = DispatchTime.now() + limits.patience
    let taken = queue.put(
      contentsOf: requests.map { Pending(submission: $0.submission, completion: $0.completion, deadline: deadline) })
    for request in requests.dropFirst(taken) {
      metrics.unavailable.add()
      request.completion(.failure(.unavailable("The journal")))
    }
  }

  func close() { queue.close() }
  func join() { thread.join() }

  // MARK: The thread

  private func work(_ committer: any JournalCommitter) {
    var waiting: [Pending] = []
    var failures = 0
    while true {
      // What waits already goes on at once; otherwise the thread sleeps until something comes.
      guard let arrived = waiting.isEmpty ? queue.takeAll() : queue.takeWaitingNow() else { return }
      waiting += arrived
      // After repeated failures one by one, so that a submission that the database refuses harms no other.
      let batch = Array(waiting.prefix(failures > 1 ? 1 : limits.batch))
      waiting.removeFirst(batch.count)
      do {
        let busy = try commit(batch, committer)
        failures = 0
        if !busy.isEmpty {
          waiting = busy + waiting
          if busy.count == batch.count { Thread.sleep(forTimeInterval: Self.busyDelay) }
        }
      } catch let error as SQLError where error.kind == .other && batch.count == 1 {
        metrics.failures.add()
        log.error("submission refused by the database", ["error": "\(error)"])
        batch[0].completion(.failure(.unavailable("The journal")))
      } catch {
        metrics.failures.add()
        if failures == 0 { log.warning("journal transaction failed", ["error": "\(error)"]) }
        waiting = batch + waiting
        Thread.sleep(forTimeInterval: Self.failureDelays[min(failures, Self.failureDelays.count - 1)])
        failures += 1
      }
      waiting = expire(waiting)
    }
  }

  /// Returns what found its lane busy, in order; everything else was answered.
  private func commit(_ batch: [Pending], _ committer: any JournalCommitter) throws -> [Pending] {
    let start = DispatchTime.now().uptimeNanoseconds
    let outcomes = try committer.commit(batch.map(\.submission))
    metrics.commit.observe(Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9)
    metrics.batch.observe(Double(batch.count))
    onCommit(outcomes.compactMap(\.newEvent).sorted { ($0.lane, $0.position) < ($1.lane, $1.position) })
    var busy: [Pending] = []
    for (pending, outcome) in zip(batch, outcomes) {
      switch outcome {
      case .committed(let event, let duplicate):
        // A batch that is committed again after its outcome was unknown finds its own events.
        let isDuplicate = duplicate && event.nonce != pending.submission.nonce
        (isDuplicate ? metrics.duplicates : metrics.committed).add()
        pending.completion(.success(.init(event: event, isDuplicate: isDuplicate)))
      case .refused(let error):
        metrics.refused.add()
        pending.completion(.failure(error))
      case .busy:
        metrics.busy.add()
        busy.append(pending)
      }
    }
    return busy
  }

  private func expire(_ waiting: [Pending]) -> [Pending] {
    let now = DispatchTime.now()
    guard waiting.contains(where: { $0.deadline <= now }) else { return waiting }
    return waiting.filter { pending in
      guard pending.deadline <= now else { return true }
      metrics.unavailable.add()
      pending.completion(.failure(.unavailable("The journal")))
      return false
    }
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
