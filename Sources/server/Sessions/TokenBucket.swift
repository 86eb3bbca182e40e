/// A rate limit: `rate` a second on average, `burst` at once.
struct TokenBucket: Sendable {
  struct Limit: Sendable, Equatable {
    /// Operations a second.
    var rate: Double
    /// Operations at once after a pause.
    var burst: Double
  }

  private let limit: Limit
  private var tokens: Double
  private var refilledAt: Int64

  /// - Parameter now: milliseconds of a monotonic clock, as everywhere here.
  init(_ limit: Limit, now: Int64) {
    self.limit = limit
    tokens = limit.burst
    refilledAt = now
  }

  /// Takes an operation. Returns 0, or the milliseconds after which there is room for it.
  ///
  /// - Parameter count: so many it counts as; not more than `burst`, or there is never room for it.
  mutating func take(_ count: Double = 1, at now: Int64) -> Int {
    tokens = min(limit.burst, tokens + Double(max(0, now - refilledAt)) / 1_000 * limit.rate)
    refilledAt = max(refilledAt, now)
    guard tokens < count else {
      tokens -= count
      return 0
    }
    return Int(((count - tokens) / limit.rate * 1_000).rounded(.up))
  }
}
