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

  /// Takes one operation. Returns 0, or the milliseconds after which there is room for it.
  mutating func take(at now: Int64) -> Int {
    tokens = min(limit.burst, tokens + Double(max(0, now - refilledAt)) / 1_000 * limit.rate)
    refilledAt = max(refilledAt, now)
    guard tokens < 1 else {
      tokens -= 1
      return 0
    }
    return Int(((1 - tokens) / limit.rate * 1_000).rounded(.up))
  }
}
