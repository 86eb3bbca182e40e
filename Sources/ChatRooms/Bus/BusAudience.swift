import Drivers
import Foundation

/// Whether any other server listens to the bus: one that is alone need not ask the database what others have written.
///
/// Asked of Redis as this is asked, at most a few times a second.
final class BusAudience: @unchecked Sendable {
  /// Milliseconds after which an answer is asked for anew, and after which it counts no more.
  private static let interval: Int64 = 200
  private static let life: Int64 = 500

  private let client: RedisClient
  private let channel: String
  private let lock = NSLock()
  private var isAsking = false
  private var count: Int64?
  private var askedAt: Int64 = .min / 2

  init(client: RedisClient, channel: String) {
    self.client = client
    self.channel = channel
  }

  /// False too where that is not known. Never waits.
  func isAlone() -> Bool {
    let now = MonotonicClock.now
    let (isAlone, mustAsk) = lock.withLock {
      let mustAsk = !isAsking && now - askedAt >= Self.interval
      isAsking = isAsking || mustAsk
      return (count == 1 && now - askedAt <= Self.life, mustAsk)
    }
    if mustAsk { ask(now) }
    return isAlone
  }

  private func ask(_ now: Int64) {
    client.submit(["PUBSUB", "NUMSUB", .text(channel)]) { [weak self] result in
      let count = (try? result.get())?.array?.last?.integer
      self?.lock.withLock {
        self?.isAsking = false
        self?.count = count
        self?.askedAt = now
      }
    }
  }
}
