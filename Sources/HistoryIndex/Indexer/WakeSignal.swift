import Foundation

/// A bell: any thread rings it, one task waits for it. Rung while nobody waits, it is heard by the next who does.
final class WakeSignal: @unchecked Sendable {
  private let lock = NSLock()
  private var isRung = false
  private var waiter: CheckedContinuation<Void, Never>?

  func ring() {
    lock.lock()
    let waiter = waiter
    self.waiter = nil
    if waiter == nil { isRung = true }
    lock.unlock()
    waiter?.resume()
  }

  /// Returns when rung, or when the task is cancelled.
  func wait() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        lock.lock()
        let isRung = isRung
        self.isRung = false
        if !isRung { waiter = continuation }
        lock.unlock()
        if isRung { continuation.resume() }
      }
    } onCancel: {
      ring()
    }
  }
}
