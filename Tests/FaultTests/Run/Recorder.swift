import Foundation

/// Collects what the clients of a run did and saw, from many threads.
final class Recorder: @unchecked Sendable {
  private let lock = NSLock()
  private var evidence = Evidence()
  private var errors: [String: Int] = [:]

  func add(attempts: [Attempt], subscriptions: [Subscription]) {
    lock.withLock {
      evidence.attempts += attempts
      evidence.subscriptions += subscriptions
    }
  }

  func add(attempts: [Attempt], rawConnections: [RawConnection] = []) {
    lock.withLock {
      evidence.attempts += attempts
      evidence.rawConnections += rawConnections
    }
  }

  /// An answer that was none, by its word.
  func add(error word: String) { lock.withLock { errors[word, default: 0] += 1 } }

  var errorCounts: [String: Int] { lock.withLock { errors } }

  func add(_ page: Page) { lock.withLock { evidence.pages.append(page) } }
  func add(nonsense: String) { lock.withLock { evidence.nonsense.append(nonsense) } }

  var collected: Evidence { lock.withLock { evidence } }
}

/// Where a run stands, for its clients.
final class RunPhase: @unchecked Sendable {
  enum Phase: Sendable {
    /// Clients write, and come and go as they like.
    case working
    /// Nothing new; what is open is finished.
    case settling
    case over
  }

  private let lock = NSLock()
  private var phase = Phase.working

  var current: Phase {
    get { lock.withLock { phase } }
    set { lock.withLock { phase = newValue } }
  }
}
