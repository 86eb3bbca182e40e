import Foundation

/// A bounded first-in-first-out queue between threads: many put, one takes everything that waits at once.
///
/// `NSLock` and `NSCondition` rather than `Synchronization.Mutex`, which the thread sanitizer does not understand.
public final class WorkQueue<Element: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private var elements: [Element] = []
  private var isClosed = false
  public let capacity: Int

  /// - Parameter capacity: elements that may wait at once.
  public init(capacity: Int = .max) { self.capacity = capacity }

  /// Returns false, and takes nothing, if the queue is full or closed.
  @discardableResult
  public func put(_ element: Element) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    guard !isClosed, elements.count < capacity else { return false }
    elements.append(element)
    if elements.count == 1 { condition.signal() }
    return true
  }

  /// Waits until something is there and returns all of it; `nil` once the queue is closed and empty.
  public func takeAll() -> [Element]? { takeAll(until: .distantFuture) }

  /// As `takeAll()`, but returns an empty array when the time has come.
  public func takeAll(until deadline: Date) -> [Element]? {
    condition.lock()
    defer { condition.unlock() }
    while elements.isEmpty {
      if isClosed { return nil }
      if !condition.wait(until: deadline) { return isClosed && elements.isEmpty ? nil : takeWaiting() }
    }
    return takeWaiting()
  }

  private func takeWaiting() -> [Element] {
    var taken: [Element] = []
    swap(&taken, &elements)
    return taken
  }

  /// Refuses what comes from now on; what waits is still taken.
  public func close() {
    condition.lock()
    isClosed = true
    condition.broadcast()
    condition.unlock()
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
      body()
      finished.signal()
    }
    thread.name = name
    thread.stackSize = 1 << 20
    thread.start()
  }

  /// Blocks until the body has returned. Call it once, and not from Swift's cooperative threads.
  public func join() { finished.wait() }
}
