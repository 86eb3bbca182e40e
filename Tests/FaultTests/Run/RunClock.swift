import Foundation

/// The time of a run, and a wait that ends early when the run does.
final class RunClock: @unchecked Sendable {
  private let start = ContinuousClock.now
  private let condition = NSCondition()
  private var isOver = false

  /// Since the run began.
  var now: RunTime {
    let passed = (ContinuousClock.now - start).components
    return passed.seconds * 1_000 + passed.attoseconds / 1_000_000_000_000_000
  }

  func wait(_ milliseconds: Int) {
    let deadline = Date(timeIntervalSinceNow: Double(milliseconds) / 1_000)
    condition.withLock { while !isOver, condition.wait(until: deadline) {} }
  }

  /// Asks every so often until it is so; false if it was not in time.
  func wait(upTo milliseconds: Int, every interval: Int = 100, until isSo: () -> Bool) -> Bool {
    let deadline = now + RunTime(milliseconds)
    while !isSo() {
      guard now < deadline else { return false }
      wait(interval)
    }
    return true
  }

  func end() {
    condition.withLock {
      isOver = true
      condition.broadcast()
    }
  }
}
