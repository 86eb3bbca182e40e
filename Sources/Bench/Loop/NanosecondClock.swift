import Glibc

/// Nanoseconds of clocks that never go back.
enum NanosecondClock {
  static let millisecond: Int64 = 1_000_000
  static let second: Int64 = 1_000_000_000

  /// From an arbitrary start.
  static var now: Int64 { read(CLOCK_MONOTONIC) }

  /// Processor time that this process has used.
  static var processorTime: Int64 { read(CLOCK_PROCESS_CPUTIME_ID) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) * second + Int64(time.tv_nsec)
  }
}
