import Drivers

/// Runs a body that blocks on a thread of its own: Swift's cooperative threads must not be blocked. It stays the same task,
/// so that what the body expects is expected of the test.
public func onOwnThread<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
  let executor = ThreadExecutor()
  executor.start()
  defer { executor.stop() }
  return try await withTaskExecutorPreference(executor, operation: body)
}

/// Runs its jobs one after the other on one thread.
private final class ThreadExecutor: TaskExecutor {
  private let jobs = WorkQueue<UnownedJob>()

  /// The thread keeps the executor until `stop()`.
  func start() {
    _ = WorkerThread(name: "test") {
      while let batch = self.jobs.takeAll() {
        for job in batch { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
      }
    }
  }

  func enqueue(_ job: consuming ExecutorJob) { jobs.put(UnownedJob(job)) }
  func stop() { jobs.close() }
}
