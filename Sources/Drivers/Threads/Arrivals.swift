import Foundation

/// Calls something once, when so many things have happened, or at once when one of them makes the others needless.
public final class Arrivals: @unchecked Sendable {
  private let lock = NSLock()
  private var left: Int
  private var handler: (@Sendable () -> Void)?

  /// - Parameters:
  ///   - count: at least 1.
  ///   - handler: called on the thread of the last of them.
  public init(_ count: Int, _ handler: @escaping @Sendable () -> Void) {
    left = count
    self.handler = handler
  }

  /// One of them has happened.
  public func arrive() { step { left -= 1 } }

  /// The others are not waited for.
  public func finish() { step { left = 0 } }

  private func step(_ change: () -> Void) {
    let handler = lock.withLock { () -> (@Sendable () -> Void)? in
      change()
      guard left <= 0 else { return nil }
      defer { self.handler = nil }
      return self.handler
    }
    handler?()
  }
}
