import Foundation

/// Callers of a pool, first come, first served; who has waited for too long gets an error instead of a connection.
final class MySQLJobQueue: @unchecked Sendable {
  /// Called once: with a connection on its thread, or with the reason why there is none.
  typealias Job = @Sendable (Result<MySQLConnection, SQLError>) -> Void

  private struct Waiter {
    var job: Job
    var deadline: DispatchTime
  }

  private let lock = NSLock()
  private var waiters: [Waiter] = []
  /// Waiters before this one were taken; the array is shortened now and then.
  private var first = 0
  /// Who waits for a job, the last to come at the end.
  private var idle: [DispatchSemaphore] = []
  private var isClosed = false
  private var isTimerSet = false
  private let waitTimeout: Double

  init(waitTimeout: Double) { self.waitTimeout = waitTimeout }

  var waiting: Int { lock.withLock { waiters.count - first } }

  /// Takers who have nothing to do.
  var idleTakers: Int { lock.withLock { idle.count } }

  func put(_ job: @escaping Job) {
    lock.lock()
    guard !isClosed else {
      lock.unlock()
      return job(.failure(Self.closed))
    }
    waiters.append(Waiter(job: job, deadline: .now() + waitTimeout))
    setTimer()
    let taker = idle.popLast()
    lock.unlock()
    taker?.signal()
  }

  /// Waits for a job; `nil` once the queue is closed and empty.
  ///
  /// Who came last is woken first: a pool with little to do works on few connections, whose statements and memory are
  /// warm on either side, and which are too young to be asked whether they still live.
  ///
  /// - Parameter seat: the caller's own, to be woken by.
  func take(_ seat: DispatchSemaphore) -> Job? {
    while true {
      lock.lock()
      if first < waiters.count {
        defer { lock.unlock() }
        return removeFirst()
      }
      if isClosed {
        lock.unlock()
        return nil
      }
      idle.append(seat)
      lock.unlock()
      seat.wait()
    }
  }

  func close() {
    let takers = lock.withLock {
      isClosed = true
      defer { idle = [] }
      return idle
    }
    for taker in takers { taker.signal() }
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
    let expired = lock.withLock {
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
