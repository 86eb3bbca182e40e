import Glibc

/// Milliseconds of a clock that never goes back, from an arbitrary start.
public enum MonotonicClock {
  public static var now: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
  }
}
