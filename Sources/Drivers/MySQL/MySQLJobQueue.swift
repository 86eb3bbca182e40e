import Foundation

/// Callers of a pool, first come, first served; who has waited for too long gets an error instead of a connection.
final class MySQLJobQueue: @unchecked Sendable {
  /// Called once: with a connection on its thread, or with the reason why there is none.
  typealias Job = @Sendable (Result<MySQLConnection, SQLError>) -> Void

  private struct Waiter {
    var job: Job
    var deadline: DispatchTime
  }

  private let condition = NSCondition()
  private var waiters: [Waiter] = []
  /// Waiters before this one were taken; the array is shortened now and then.
  private var first = 0
  private var isClosed = false
  private var isTimerSet = false
  private let waitTimeout: Double

  init(waitTimeout: Double) { self.waitTimeout = waitTimeout }

  var waiting: Int { condition.withLock { waiters.count - first } }

  func put(_ job: @escaping Job) {
    let isTaken = condition.withLock {
      guard !isClosed else { return false }
      waiters.append(Waiter(job: job, deadline: .now() + waitTimeout))
      setTimer()
      return true
    }
    // Who is woken takes the lock at once, and need not wait for it.
    if isTaken { condition.signal() } else { job(.failure(Self.closed)) }
  }

  /// Waits for a job; `nil` once the queue is closed and empty.
  func take() -> Job? {
    condition.withLock {
      while first == waiters.count {
        if isClosed { return nil }
        condition.wait()
      }
      return removeFirst()
    }
  }

  func close() {
    condition.withLock {
      isClosed = true
      condition.broadcast()
    }
  }

  private func removeFirst() -> Job {
    let job = waiters[first].job
    first += 1
    if first == waiters.count {
      waiters.removeAll(keepingCapacity: true)
      first = 0
    } else if first > 1_024 {
      waiters.removeFirst(first)
      first = 0
    }
    return job
  }

  /// One timer at most, for the first waiter: all wait equally long, so that it is the next whose time ends.
  private func setTimer() {
    guard !isTimerSet, first < waiters.count else { return }
    isTimerSet = true
    DispatchQueue.global().asyncAfter(deadline: waiters[first].deadline) { [weak self] in self?.expire() }
  }

  private func expire() {
    let expired = condition.withLock {
      isTimerSet = false
      var expired: [Job] = []
      let now = DispatchTime.now()
      while first < waiters.count, waiters[first].deadline <= now { expired.append(removeFirst()) }
      setTimer()
      return expired
    }
    for job in expired { job(.failure(Self.busy)) }
  }

  private static let busy = SQLError(
    kind: .unavailable, code: 0, message: "No connection to MySQL became free in time: all are busy")
  private static let closed = SQLError(kind: .unavailable, code: 0, message: "The pool of connections is closed")
}
