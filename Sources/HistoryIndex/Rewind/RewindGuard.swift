import ChatRooms
import Drivers
import Foundation

/// Keeps this server from writing to a database that may have gone back in time: one that was restored from an older
/// copy, or a replica that took over without the last of its master's events.
///
/// Two things say so. Under the lanes' locks each transaction compares their heads with the positions that this server
/// knows to be durable: a head below them is a lost tail, noticed before anything is written over it. And with each
/// new connection comes a doubt, which `RewindWatch` settles by asking Redis and the index as well.
public final class RewindGuard: @unchecked Sendable {
  private let lock = NSLock()
  private var durable: [Int: Int64] = [:]
  private var raised: UInt64 = 1
  private var settled: UInt64 = 0
  private var isWatched = false
  /// Of threads that wait for the next doubt to be settled. Semaphores wait on the monotonic clock.
  private var waiting: [DispatchSemaphore] = []
  private var onDoubt: @Sendable () -> Void = {}

  public init() {}

  /// From now on doubts are settled by the caller, who is told of new ones on any thread. Without a watch nothing waits.
  func watch(onDoubt: @escaping @Sendable () -> Void) {
    lock.withLock {
      isWatched = true
      self.onDoubt = onDoubt
    }
  }

  /// Takes events that are durable: committed by this server, or told by another one.
  public func saw(_ events: [RoomEvent]) {
    lock.withLock {
      for event in events where event.position > durable[event.lane] ?? 0 { durable[event.lane] = event.position }
    }
  }

  /// Takes heads that are durable.
  func saw(_ heads: [LaneHead]) {
    lock.withLock {
      for head in heads { durable[head.lane] = max(durable[head.lane] ?? 0, head.head) }
    }
  }

  /// The newest position of each lane that is known to be durable.
  public var heads: [Int: Int64] { lock.withLock { durable } }

  /// The database may be another one by now, or an older copy: nothing is written until that is settled.
  public func doubt() {
    let tell = lock.withLock {
      raised += 1
      return onDoubt
    }
    tell()
  }

  /// The newest doubt, if it is open: what is found out from now on may settle it.
  var openDoubt: UInt64? { lock.withLock { raised > settled ? raised : nil } }

  /// The database is what it should be, as of a moment after that doubt was raised.
  func settle(_ doubt: UInt64) {
    let waiting = lock.withLock {
      settled = max(settled, doubt)
      defer { self.waiting = [] }
      return self.waiting
    }
    for waiter in waiting { waiter.signal() }
  }

  /// Blocks until no doubt is open.
  ///
  /// - Throws: `SQLError` `.unavailable` after `patience` seconds.
  func waitUntilSettled(patience: TimeInterval = 1) throws {
    let deadline = DispatchTime.now() + patience
    while let waiter = waiter() {
      guard waiter.wait(timeout: deadline) == .success else { throw Self.inDoubt }
    }
  }

  private func waiter() -> DispatchSemaphore? {
    lock.withLock {
      guard isWatched, raised > settled else { return nil }
      let waiter = DispatchSemaphore(value: 0)
      waiting.append(waiter)
      return waiter
    }
  }

  /// To be called with the heads as they are under the lanes' locks, before anything is written.
  ///
  /// - Throws: `SQLError` `.unavailable` where a lane has gone back.
  func check(_ heads: [Int: Int64]) throws {
    let hasGoneBack = lock.withLock { isWatched && heads.contains { $0.value < durable[$0.key] ?? 0 } }
    guard hasGoneBack else { return }
    doubt()
    throw Self.inDoubt
  }

  private static let inDoubt = SQLError(
    kind: .unavailable, code: 0,
    message: "The database may have gone back in time: nothing is written before that is clear")
}
