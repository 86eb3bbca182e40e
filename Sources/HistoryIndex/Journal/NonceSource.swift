/// Nonces of submissions, for one thread: a random beginning, and from there a permutation of all 64-bit numbers
/// (SplitMix64, https://prng.di.unimi.it/splitmix64.c). The system is asked once, not once a message.
public struct NonceSource: Sendable {
  private var state: UInt64

  public init() { state = .random(in: .min ... .max) }

  public mutating func next() -> Int64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return Int64(bitPattern: mixed ^ mixed >> 31)
  }
}
