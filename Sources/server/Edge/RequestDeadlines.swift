import CLinux
import Foundation

/// Ends connections that take too long over one request. libmicrohttpd's own timeout starts again with every byte, so
/// that a client which sends one every few seconds would hold its connection for ever.
final class RequestDeadlines: @unchecked Sendable {
  private let lock = NSLock()
  private var deadlines: [Int32: Int64] = [:]

  /// The request on this socket has to be complete at that time (milliseconds, monotonic).
  func set(_ descriptor: Int32, _ deadline: Int64) { lock.withLock { deadlines[descriptor] = deadline } }

  /// It is complete, or the socket is about to be closed.
  func clear(_ descriptor: Int32) { lock.withLock { deadlines[descriptor] = nil } }

  /// Shuts down what is late; its owner then finds it closed. Under the lock, so that no number is used that has been
  /// given to another connection by now.
  func enforce(at now: Int64) {
    lock.withLock {
      for (descriptor, deadline) in deadlines where deadline <= now {
        shutdown(descriptor, Int32(SHUT_RDWR))
        deadlines[descriptor] = nil
      }
    }
  }
}
