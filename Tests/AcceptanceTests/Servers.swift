import Drivers
import Foundation
import TestSupport
import Testing

/// The installations that the suite's tests share: one of each profile, started when the first test asks for it and
/// removed when the suite ends.
final class Servers: @unchecked Sendable {
  @TaskLocal static var current: Servers?

  private let lock = NSLock()
  private var installations: [Profile: Result<Installation, any Error>] = [:]

  /// Tests that share it use rooms and users of their own.
  static func shared(_ profile: Profile) throws -> Installation {
    guard let current else { throw TestSupportError("outside of AcceptanceTests") }
    return try current.installation(profile)
  }

  private func installation(_ profile: Profile) throws -> Installation {
    try lock.withLock {
      // A failure is kept: each test reports it at once rather than after another minute of waiting.
      let result = installations[profile] ?? Result { try Installation(profile) }
      installations[profile] = result
      return try result.get()
    }
  }

  fileprivate func remove() {
    for installation in lock.withLock({ installations.values }) { try? installation.get().remove() }
  }
}

/// Gives a suite its `Servers`.
struct SharedServers: SuiteTrait, TestScoping {
  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let servers = Servers()
    defer { servers.remove() }
    try await Servers.$current.withValue(servers, operation: function)
  }
}

/// Runs each test on a thread of its own: the tests block on sockets, and Swift's cooperative threads must not.
struct OwnThread: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func scopeProvider(for test: Test, testCase: Test.Case?) -> OwnThread? { testCase == nil ? nil : self }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await onOwnThread(function)
  }
}

extension Trait where Self == SharedServers {
  static var sharedServers: Self { Self() }
}

extension Trait where Self == OwnThread {
  static var ownThread: Self { Self() }
}
