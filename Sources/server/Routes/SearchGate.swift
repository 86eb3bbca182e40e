import ChatRooms
import Drivers
import Foundation

/// How many searches a server carries out.
struct SearchLimits: Sendable, Equatable {
  /// Searches at once.
  var inFlight = 32
  /// Searches at once that cost as much as many others: the rest of the index's threads are left to the others.
  var heavyInFlight = 2
  /// A search that weighs more is heavy. See `SearchRequest.weight`.
  var mostOfLight = 8
  /// Searches that wait for their turn, for each that may be carried out.
  var waitingForEach = 4
  /// Searches of one user; a heavy one counts as many.
  var rate = TokenBucket.Limit(rate: 20, burst: 200)
}

/// Lets so many searches in at once, and so many of one user; has a few wait, and refuses the rest.
final class SearchGate: @unchecked Sendable {
  private struct Waiter {
    var deadline: ContinuousClock.Instant
    var isHeavy: Bool
    var continuation: CheckedContinuation<Bool, Never>
  }

  private let limits: SearchLimits
  private let lock = NSLock()
  private var inFlight = 0
  private var heavyInFlight = 0
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
  ///   - weight: of the search; of a user's rate it takes as much, but never more than half of what is allowed at once.
  ///   - deadline: of the search; one whose turn comes later is refused.
  /// - Throws: `ChatError` 429 `rate_limited`, 503 `overloaded`.
  func pass<Result: Sendable>(
    _ user: String?, weight: Int = 1, by deadline: ContinuousClock.Instant, _ search: () async throws -> Result
  ) async throws -> Result {
    if let user { try take(user, weight) }
    let isHeavy = weight > limits.mostOfLight
    guard await enter(isHeavy, by: deadline) else {
      refusedByLoad.add()
      throw ChatError(
        503, "overloaded", "Too many searches at once. Try again.", retryAfter: Self.retryAfter)
    }
    defer { leave(isHeavy) }
    return try await search()
  }

  /// Lets a search in that can be carried out at once; `nil`: it has to go the way through `pass`. Never waits.
  func admit(_ user: String?, weight: Int = 1) -> SearchAdmission? {
    let isHeavy = weight > limits.mostOfLight
    let isFree = lock.withLock { () -> Bool in
      guard mayEnter(isHeavy), !waiting.contains(where: { isHeavy || !$0.isHeavy }) else { return false }
      if let user, takeTokens(user, weight) > 0 { return false }
      count(1, isHeavy)
      return true
    }
    return isFree ? SearchAdmission(self, isHeavy: isHeavy) : nil
  }

  /// What the user has to wait; 0 if the tokens were taken. Only with the lock held.
  private func takeTokens(_ user: String, _ weight: Int) -> Int {
    if buckets.count >= Self.mostBuckets { buckets = [:] }
    let now = MonotonicClock.now
    let count = max(1, min(Double(weight), limits.rate.burst / 2))
    return buckets[user, default: TokenBucket(limits.rate, now: now)].take(count, at: now)
  }

  private func take(_ user: String, _ weight: Int) throws(ChatError) {
    let wait = lock.withLock { takeTokens(user, weight) }
    guard wait > 0 else { return }
    refusedByRate.add()
    throw ChatError(429, "rate_limited", "Too many searches of this user.", retryAfter: wait)
  }

  private func enter(_ isHeavy: Bool, by deadline: ContinuousClock.Instant) async -> Bool {
    await withCheckedContinuation { continuation in
      let (answer, late) = lock.withLock { () -> (Bool?, [Waiter]) in
        let late = takeLate()
        if mayEnter(isHeavy) {
          count(1, isHeavy)
          return (true, late)
        }
        guard mayWait(isHeavy) else { return (false, late) }
        waiting.append(Waiter(deadline: deadline, isHeavy: isHeavy, continuation: continuation))
        return (nil, late)
      }
      for waiter in late { waiter.continuation.resume(returning: false) }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  fileprivate func leave(_ isHeavy: Bool) {
    let (next, late) = lock.withLock { () -> ([Waiter], [Waiter]) in
      let late = takeLate()
      count(-1, isHeavy)
      var next: [Waiter] = []
      // A heavy one whose turn it is not must not hold up those behind it.
      while let index = waiting.firstIndex(where: { mayEnter($0.isHeavy) }) {
        let waiter = waiting.remove(at: index)
        count(1, waiter.isHeavy)
        next.append(waiter)
      }
      return (next, late)
    }
    for waiter in late { waiter.continuation.resume(returning: false) }
    for waiter in next { waiter.continuation.resume(returning: true) }
  }

  private func mayEnter(_ isHeavy: Bool) -> Bool {
    inFlight < limits.inFlight && (!isHeavy || heavyInFlight < limits.heavyInFlight)
  }

  private func mayWait(_ isHeavy: Bool) -> Bool {
    guard waiting.count < limits.inFlight * limits.waitingForEach else { return false }
    return !isHeavy || waiting.count(where: \.isHeavy) < limits.heavyInFlight * limits.waitingForEach
  }

  private func count(_ change: Int, _ isHeavy: Bool) {
    inFlight += change
    if isHeavy { heavyInFlight += change }
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
  private let isHeavy: Bool

  fileprivate init(_ gate: SearchGate, isHeavy: Bool) {
    self.gate = gate
    self.isHeavy = isHeavy
  }

  deinit { gate.leave(isHeavy) }
}
