import Foundation

/// Whether a server has renewed its leases for a while without a gap. After an outage of Redis everybody's leases have
/// ended, though nobody did: what others held is cleared away only by who knows that they had time to renew theirs.
///
/// With a lock of its own: commands that Redis cannot take fail at once, while the caller holds its locks.
final class RenewalSteadiness: @unchecked Sendable {
  private let lock = NSLock()
  private var since = DispatchTime.now()
  private var last = DispatchTime.now()

  /// A round of renewals begins. Returns whether the last one is so long ago that the leases have ended: the process was
  /// paused.
  ///
  /// - Parameter lease: milliseconds.
  func begin(lease: Int) -> Bool {
    lock.withLock {
      let now = DispatchTime.now()
      let wasAway = now >= last + .milliseconds(lease)
      if wasAway { since = now }
      last = now
      return wasAway
    }
  }

  /// A renewal has failed, or a connection is new.
  func interrupt() { lock.withLock { since = .now() } }

  func isSteady(for lease: Int) -> Bool { lock.withLock { DispatchTime.now() >= since + .milliseconds(lease) } }
}
