import Drivers

/// Runs a body that blocks on a thread of its own: Swift's cooperative threads must not be blocked.
func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    _ = WorkerThread(name: "test") { continuation.resume(with: Result { try body() }) }
  }
}
