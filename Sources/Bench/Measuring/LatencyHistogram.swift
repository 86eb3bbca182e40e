/// Counts of values in buckets whose width grows with the value: log-linear, as HdrHistogram has them
/// (http://hdrhistogram.org), so that memory is bounded and a quantile is off by less than 1 %.
///
/// Each power of two is divided into 128 buckets; values below 128 are exact. A bucket stands for its middle, so the
/// error is at most 1/256 of the value.
public struct LatencyHistogram: Sendable, Equatable {
  private static let precisionBits = 7
  private static let bucketsPerOctave = 1 << precisionBits
  /// Larger values count as this one: 2^42 ns is 73 minutes.
  private static let largest: Int64 = 1 << 42
  private static let bucketCount = bucket(of: largest) + 1

  private var counts = [Int64](repeating: 0, count: bucketCount)
  /// Values recorded.
  public private(set) var count: Int64 = 0
  /// Exact; 0 where nothing was recorded.
  public private(set) var maximum: Int64 = 0
  private var minimum = Int64.max
  private var sum: Double = 0

  public init() {}

  public var mean: Double { count == 0 ? 0 : sum / Double(count) }

  /// - Parameter value: in nanoseconds, or any unit; what is below zero counts as zero.
  public mutating func record(_ value: Int64) {
    let value = min(max(0, value), Self.largest)
    counts[Self.bucket(of: value)] += 1
    count += 1
    sum += Double(value)
    if value > maximum { maximum = value }
    if value < minimum { minimum = value }
  }

  public mutating func add(_ other: LatencyHistogram) {
    for index in counts.indices { counts[index] += other.counts[index] }
    count += other.count
    sum += other.sum
    maximum = max(maximum, other.maximum)
    minimum = min(minimum, other.minimum)
  }

  /// The value that the given share of all values does not pass; 0 where nothing was recorded.
  ///
  /// - Parameter share: 0 to 1; outside, the nearest of them.
  public func quantile(_ share: Double) -> Int64 {
    guard count > 0 else { return 0 }
    let rank = max(1, Int64((min(max(share, 0), 1) * Double(count)).rounded(.up)))
    if rank >= count { return maximum }
    var passed: Int64 = 0
    for (index, present) in counts.enumerated() {
      passed += present
      if passed >= rank { return min(max(Self.middle(of: index), minimum), maximum) }
    }
    return maximum
  }

  private static func bucket(of value: Int64) -> Int {
    guard value >= bucketsPerOctave else { return Int(value) }
    let shift = (Int64.bitWidth - 1 - value.leadingZeroBitCount) - precisionBits
    return shift * bucketsPerOctave + Int(value >> shift)
  }

  private static func middle(of bucket: Int) -> Int64 {
    guard bucket >= 2 * bucketsPerOctave else { return Int64(bucket) }
    let shift = bucket / bucketsPerOctave - 1
    let low = Int64(bucket - shift * bucketsPerOctave) << shift
    return low + (Int64(1) << shift) / 2
  }
}
