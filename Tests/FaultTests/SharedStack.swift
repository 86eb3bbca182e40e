import Foundation
import TestSupport
import Testing

/// Everything that is done to one stack of two servers, one test after the other: side by side they would only measure
/// each other.
@Suite(
  .serialized, .sharedStack,
  .enabled(
    if: PrivateBackends.areAvailable, "PALAVER_TEST_ELASTICSEARCH is not set, or MariaDB or Redis is not installed"))
enum StackTests {}

/// The stack that a suite's tests share, started when the first one asks for it and removed when the suite ends.
final class SharedStack: @unchecked Sendable {
  @TaskLocal static var current: SharedStack?

  private let lock = NSLock()
  private var stack: Result<FaultyStack, any Error>?

  /// Runs a body that blocks with the stack, on a thread of its own; mends what the body broke.
  @discardableResult
  static func use<Value: Sendable>(_ body: @escaping @Sendable (FaultyStack) throws -> Value) async throws -> Value {
    guard let current else { throw TestSupportError("outside of a suite with a shared stack") }
    return try await onOwnThread {
      let stack = try current.started()
      let result = Result { try body(stack) }
      try stack.heal()
      try stack.waitUntilHealthy()
      return try result.get()
    }
  }

  private func started() throws -> FaultyStack {
    try lock.withLock {
      let result = stack ?? Result { try FaultyStack() }
      stack = result
      return try result.get()
    }
  }

  fileprivate func remove() { lock.withLock { try? stack?.get().remove() } }
}

/// Gives a suite its `SharedStack`.
struct SharedStackTrait: SuiteTrait, TestScoping {
  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let shared = SharedStack()
    try await SharedStack.$current.withValue(shared, operation: function)
    try await onOwnThread { shared.remove() }
  }
}

extension Trait where Self == SharedStackTrait {
  static var sharedStack: Self { Self() }
}
