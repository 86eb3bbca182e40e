import Drivers
import Foundation

/// When operations are to begin, decided ahead and whatever the server does: as those of many independent people, with
/// exponential pauses (a Poisson process).
struct ArrivalSchedule {
  /// Operations a second.
  let rate: Double
  /// When the next one is to begin, in nanoseconds; `Int64.max` once there is none.
  private(set) var next: Int64
  private let end: Int64
  private var exact: Double
  private var random: SplitMix64

  /// - Parameters:
  ///   - rate: operations a second, over 0.
  ///   - start: nanoseconds.
  ///   - end: none begins then or later.
  init(rate: Double, from start: Int64, until end: Int64, seed: UInt64) {
    self.rate = rate
    self.end = end
    random = SplitMix64(seed: seed)
    exact = Double(start)
    next = start
    advance()
  }

  /// The moment of the next operation, if that has come.
  mutating func take(at now: Int64) -> Int64? {
    guard next <= now else { return nil }
    let taken = next
    advance()
    return taken
  }

  private mutating func advance() {
    let uniform = Double.random(in: Double.leastNonzeroMagnitude..<1, using: &random)
    exact += -log(uniform) / rate * Double(NanosecondClock.second)
    next = exact < Double(end) ? Int64(exact) : .max
  }
}
