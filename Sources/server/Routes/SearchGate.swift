import ChatRooms
import Drivers
import Foundation

/// How many searches a server carries out.
struct SearchLimits: Sendable, Equatable {
  /// Searches at once.
  var inFlight = 32
  /// Searches that wait for their turn, for each that may be carried out.
  var waitingForEach = 4
  /// Searches of one user.
  var rate = TokenBucket.Limit(rate: 20, burst: 200)
}

/// Lets so many searches in at once, and so many of one user; has a few wait, and refuses the rest.
final class SearchGate: @unchecked Sendable {
  private struct Waiter {
    var deadline: ContinuousClock.Instant
    var continuation: CheckedContinuation<Bool, Never>
  }

  private let limits: SearchLimits
  private let lock = NSLock()
  private var inFlight = 0
  private var waiting: [Waiter] = []
  private var buckets: [String: TokenBucket] = [:]
  private let refusedByRate: Counter
  private let refusedByLoad: Counter

  /// Users whose rate is known at once.
  private static let mostBuckets = 10_000
  /// Milliseconds after which one that was refused may come again.
  private static let retryAfter = 500

  init(_ limits: SearchLimits, metrics: Metrics) {
    self.limits = limits
    refusedByRate = metrics.counter(
      "palaver_searches_refused_total", "Searches that were not carried out.", ["reason": "rate"])
    refusedByLoad = metrics.counter(
      "palaver_searches_refused_total", "Searches that were not carried out.", ["reason": "load"])
    metrics.gauge("palaver_searches_in_flight", "Searches that are carried out.") { [weak self] in
      Double(self?.counts.inFlight ?? 0)
    }
    metrics.gauge("palaver_searches_waiting", "Searches that wait for their turn.") { [weak self] in
      Double(self?.counts.waiting ?? 0)
    }
  }

  var counts: (inFlight: Int, waiting: Int) { lock.withLock { (inFlight, waiting.count) } }

  /// Runs a search when it is its turn.
  ///
  /// - Parameters:
  ///   - user: whose rate it counts to; `nil` for nobody known, as only open mode has.
  ///   - deadline: of the search; one whose turn comes later is refused.
  /// - Throws: `ChatError` 429 `rate_limited`, 503 `overloaded`.
  func pass<Result: Sendable>(
    _ user: String?, by deadline: ContinuousClock.Instant, _ search: () async throws -> Result
  ) async throws -> Result {
    if let user { try take(user) }
    guard await enter(by: deadline) else {
      refusedByLoad.add()
      throw ChatError(
        503, "overloaded", "Too many searches at once. Try again.", retryAfter: Self.retryAfter)
    }
    defer { leave() }
    return try await search()
  }

  /// Lets a search in that can be carried out at once; `nil`: it has to go the way through `pass`. Never waits.
  func admit(_ user: String?) -> SearchAdmission? {
    let isFree = lock.withLock { () -> Bool in
      guard inFlight < limits.inFlight, waiting.isEmpty else { return false }
      if let user, takeToken(user) > 0 { return false }
      inFlight += 1
      return true
    }
    return isFree ? SearchAdmission(self) : nil
  }

  /// What the user has to wait; 0 if a token was taken. Only with the lock held.
  private func takeToken(_ user: String) -> Int {
    if buckets.count >= Self.mostBuckets { buckets = [:] }
    return buckets[user, default: TokenBucket(limits.rate, now: MonotonicClock.now)].take(at: MonotonicClock.now)
  }

  private func take(_ user: String) throws(ChatError) {
    let wait = lock.withLock { takeToken(user) }
    guard wait > 0 else { return }
    refusedByRate.add()
    throw ChatError(429, "rate_limited", "Too many searches of this user.", retryAfter: wait)
  }

  private func enter(by deadline: ContinuousClock.Instant) async -> Bool {
    await withCheckedContinuation { continuation in
      let (answer, late) = lock.withLock { () -> (Bool?, [Waiter]) in
        let late = takeLate()
        if inFlight < limits.inFlight {
          inFlight += 1
          return (true, late)
        }
        guard waiting.count < limits.inFlight * limits.waitingForEach else { return (false, late) }
        waiting.append(Waiter(deadline: deadline, continuation: continuation))
        return (nil, late)
      }
      for waiter in late { waiter.continuation.resume(returning: false) }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  fileprivate func leave() {
    let (next, late) = lock.withLock { () -> (Waiter?, [Waiter]) in
      let late = takeLate()
      guard !waiting.isEmpty else {
        inFlight -= 1
        return (nil, late)
      }
      return (waiting.removeFirst(), late)
    }
    for waiter in late { waiter.continuation.resume(returning: false) }
    next?.continuation.resume(returning: true)
  }

  /// Those who waited in vain.
  private func takeLate() -> [Waiter] {
    let now = ContinuousClock.now
    let late = waiting.filter { $0.deadline <= now }
    if !late.isEmpty { waiting.removeAll { $0.deadline <= now } }
    return late
  }
}

/// A search that was let in, until nobody holds this any more.
final class SearchAdmission: Sendable {
  private let gate: SearchGate

  fileprivate init(_ gate: SearchGate) { self.gate = gate }
  deinit { gate.leave() }
}
