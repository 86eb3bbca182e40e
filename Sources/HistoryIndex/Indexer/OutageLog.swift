import Drivers
import Foundation

/// Says once that something fails, and once that it works again, however often it is tried between.
final class OutageLog: @unchecked Sendable {
  private let log: Log
  private let failure: String
  private let recovery: String
  private let lock = NSLock()
  private var isFailing = false

  init(_ log: Log, _ failure: String, _ recovery: String) {
    self.log = log
    self.failure = failure
    self.recovery = recovery
  }

  func failed(_ reason: String) {
    if change(to: true) { log.warning(failure, ["reason": reason]) }
  }

  func succeeded() {
    if change(to: false) { log.info(recovery) }
  }

  private func change(to isFailing: Bool) -> Bool {
    lock.lock()
    defer { lock.unlock() }
    let isChange = self.isFailing != isFailing
    self.isFailing = isFailing
    return isChange
  }
}
