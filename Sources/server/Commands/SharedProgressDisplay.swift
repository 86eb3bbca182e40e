import Foundation

/// A display that is told from any thread.
final class SharedProgressDisplay: @unchecked Sendable {
  private let lock = NSLock()
  private var display: ProgressDisplay

  init(name: String) {
    display = ProgressDisplay(name: name, isTerminal: Terminal.isStandardError, write: Terminal.write)
  }

  func show(done: Int64, unit: String, fraction: Double?) {
    lock.withLock { display.show(done: done, unit: unit, fraction: fraction, now: .now) }
  }

  func finish() { lock.withLock { display.finish() } }
}
