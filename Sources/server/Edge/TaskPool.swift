import Foundation

/// Runs asynchronous work that threads hand in, as children of one task, so that none outlives the server.
final class TaskPool: @unchecked Sendable {
  typealias Work = @Sendable () async -> Void

  private let stream: AsyncStream<Work>
  private let continuation: AsyncStream<Work>.Continuation
  private let lock = NSLock()
  private var isRunning = false
  private var waiters: [CheckedContinuation<Void, Never>] = []

  /// - Parameter capacity: work that may wait to be started.
  init(capacity: Int = 65_536) {
    (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(capacity))
  }

  /// Never waits. Returns false, and drops the work, if too much waits or the pool is finished.
  func submit(_ work: @escaping Work) -> Bool {
    if case .enqueued = continuation.yield(work) { true } else { false }
  }

  /// Runs what is handed in until `finish()`, then what is left. Cancellation reaches all of it.
  func run() async {
    lock.withLock { isRunning = true }
    await withDiscardingTaskGroup { group in
      for await work in stream { group.addTask { await work() } }
    }
    let waiters = lock.withLock {
      isRunning = false
      return self.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Returns when `run()` has, at once if it is not running.
  func finished() async {
    await withCheckedContinuation { continuation in
      let isWaiting = lock.withLock {
        if isRunning { waiters.append(continuation) }
        return isRunning
      }
      if !isWaiting { continuation.resume() }
    }
  }

  func finish() { continuation.finish() }
}
