import Foundation

/// Lets so many reads through at once; others wait for their turn, first come first served, and not for ever.
///
/// Bounds what a storm of cold rooms asks of the index, and leaves bulks and searches their connections.
public final class ReadGate: @unchecked Sendable {
  /// What waits longer is turned away.
  public struct TimedOut: Error {}

  /// One read that waits. Ends once: with its turn, or without.
  private final class Waiter: @unchecked Sendable {
    private let lock = NSLock()
    private var continuation: CheckedContinuation<Bool, Never>?
    private var outcome: Bool?

    /// Returns false if it had ended before.
    func end(admitted: Bool) -> Bool {
      let (isFirst, continuation) = lock.withLock {
        defer { self.continuation = nil }
        guard outcome == nil else { return (false, nil as CheckedContinuation<Bool, Never>?) }
        outcome = admitted
        return (true, self.continuation)
      }
      continuation?.resume(returning: admitted)
      return isFirst
    }

    func outcome() async -> Bool {
      await withCheckedContinuation { continuation in
        let known = lock.withLock {
          if outcome == nil { self.continuation = continuation }
          return outcome
        }
        if let known { continuation.resume(returning: known) }
      }
    }
  }

  private let patience: Duration
  private let lock = NSLock()
  private var free: Int
  private var waiters: [Waiter] = []

  /// - Parameters:
  ///   - width: reads at once, at least 1.
  ///   - patience: how long one waits for its turn.
  public init(width: Int, patience: Duration) {
    free = max(1, width)
    self.patience = patience
  }

  /// - Throws: `TimedOut`, `CancellationError`, or what the body throws.
  public func pass<Result>(_ body: () async throws -> Result) async throws -> Result {
    try await enter()
    defer { leave() }
    return try await body()
  }

  private func enter() async throws {
    let waiter: Waiter? = lock.withLock {
      guard free == 0 else {
        free -= 1
        return nil
      }
      let waiter = Waiter()
      waiters.append(waiter)
      return waiter
    }
    guard let waiter else { return }
    guard await admitted(waiter) else {
      lock.withLock { waiters.removeAll { $0 === waiter } }
      try Task.checkCancellation()
      throw TimedOut()
    }
  }

  private func admitted(_ waiter: Waiter) async -> Bool {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { [patience] in
        // Ends early where the turn comes first, or the caller is cancelled.
        try? await Task.sleep(for: patience)
        _ = waiter.end(admitted: false)
      }
      let isAdmitted = await waiter.outcome()
      group.cancelAll()
      return isAdmitted
    }
  }

  /// Hands the turn to the next that still waits.
  private func leave() {
    while true {
      let next: Waiter? = lock.withLock {
        guard !waiters.isEmpty else {
          free += 1
          return nil
        }
        return waiters.removeFirst()
      }
      guard let next else { return }
      if next.end(admitted: true) { return }
    }
  }
}
