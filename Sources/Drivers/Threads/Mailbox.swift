import CLinux
import Foundation

/// What other threads tell one that polls. Posting wakes it once, however much is posted before it looks.
public final class Mailbox<Element: Sendable>: @unchecked Sendable {
  /// Readable while something waits.
  public let descriptor: Int32
  private let lock = NSLock()
  private var elements: [Element] = []

  /// Returns `nil` where the process may open no more files.
  public init?() {
    descriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
    if descriptor < 0 { return nil }
  }

  deinit { close(descriptor) }

  public func post(_ element: Element) {
    lock.lock()
    let isFirst = elements.isEmpty
    elements.append(element)
    lock.unlock()
    if isFirst { wake() }
  }

  /// Everything that waits, in the order in which it was posted.
  ///
  /// - Parameter isSignalled: whether `descriptor` was found readable. If not, something may wait all the same.
  public func takeAll(isSignalled: Bool) -> [Element] {
    var count: UInt64 = 0
    // Before the lock: what is posted from here on wakes the thread again, at worst for nothing.
    if isSignalled { _ = unsafe read(descriptor, &count, MemoryLayout<UInt64>.size) }
    var taken: [Element] = []
    lock.lock()
    swap(&taken, &elements)
    lock.unlock()
    return taken
  }

  private func wake() {
    var one: UInt64 = 1
    _ = unsafe write(descriptor, &one, MemoryLayout<UInt64>.size)
  }
}
