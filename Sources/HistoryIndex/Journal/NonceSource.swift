import Drivers

/// Nonces of submissions, for one thread: a random beginning, and from there a permutation of all 64-bit numbers. The
/// system is asked once, not once a message.
public struct NonceSource: Sendable {
  private var numbers = SplitMix64(seed: .random(in: .min ... .max))

  public init() {}

  public mutating func next() -> Int64 { Int64(bitPattern: numbers.next()) }
}
