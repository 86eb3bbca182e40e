import CLinux
import Foundation

/// A bounded first-in-first-out queue between threads: many put, one takes everything that waits at once.
///
/// Waiting counts on the monotonic clock, so that a step of the wall clock delays nothing. `NSLock` rather than
/// `Synchronization.Mutex`, which the thread sanitizer does not understand.
public final class WorkQueue<Element: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private let wake = DispatchSemaphore(value: 0)
  private var elements: [Element] = []
  private var isTakerAsleep = false
  private var isClosed = false
  public let capacity: Int

  /// - Parameter capacity: elements that may wait at once.
  public init(capacity: Int = .max) { self.capacity = capacity }

  /// Returns false, and takes nothing, if the queue is full or closed.
  @discardableResult
  public func put(_ element: Element) -> Bool {
    lock.lock()
    guard !isClosed, elements.count < capacity else {
      lock.unlock()
      return false
    }
    elements.append(element)
    wakeTaker()
    return true
  }

  /// Takes as many as there is room for, in their order, and returns how many those were; none if the queue is closed.
  public func put(contentsOf added: [Element]) -> Int {
    lock.lock()
    let count = isClosed ? 0 : min(added.count, capacity - elements.count)
    guard count > 0 else {
      lock.unlock()
      return 0
    }
    elements.append(contentsOf: added[..<count])
    wakeTaker()
    return count
  }

  /// Waits until something is there and returns all of it; `nil` once the queue is closed and empty.
  ///
  /// - Parameter milliseconds: how long to wait; then, an empty array. `nil`: for as long as it takes.
  public func takeAll(waiting milliseconds: Int? = nil) -> [Element]? {
    let deadline = milliseconds.map { DispatchTime.now() + .milliseconds($0) } ?? .distantFuture
    while true {
      lock.lock()
      if !elements.isEmpty || isClosed {
        let taken = takeWaiting()
        let isDone = taken.isEmpty
        lock.unlock()
        return isDone ? nil : taken
      }
      isTakerAsleep = true
      lock.unlock()
      if wake.wait(timeout: deadline) == .timedOut { return takeWaitingNow() }
    }
  }

  /// What waits at this moment, without waiting for more.
  public func takeWaitingNow() -> [Element] {
    lock.lock()
    defer { lock.unlock() }
    return takeWaiting()
  }

  /// Refuses what comes from now on; what waits is still taken.
  public func close() {
    lock.lock()
    isClosed = true
    wakeTaker()
  }

  private func takeWaiting() -> [Element] {
    var taken: [Element] = []
    swap(&taken, &elements)
    return taken
  }

  /// Unlocks. A signal that comes after the taker's time-out makes it look once more, and find nothing.
  private func wakeTaker() {
    let isAsleep = isTakerAsleep
    isTakerAsleep = false
    lock.unlock()
    if isAsleep { wake.signal() }
  }
}

/// A named thread that can be waited for.
public final class WorkerThread: @unchecked Sendable {
  private let thread: Thread
  private let finished = DispatchSemaphore(value: 0)

  /// - Parameter name: what `top -H` shows; the kernel keeps 15 bytes of it.
  public init(name: String, _ body: @escaping @Sendable () -> Void) {
    let finished = finished
    thread = Thread {
      // Foundation's own name of a thread does not reach the kernel.
      unsafe palaver_name_thread(name)
      body()
      finished.signal()
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  /// Blocks until the body has returned. Call it once, and not from Swift's cooperative threads.
  public func join() { finished.wait() }
}
