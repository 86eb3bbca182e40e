import CLinux
import Glibc

/// Wakes an epoll loop at a given moment; the time-out of `epoll_wait` counts whole milliseconds, which
/// would be added to every latency.
final class LoopTimer {
  let descriptor: Int32
  private var deadline = Int64.max

  /// Returns `nil` where the process may open no more files.
  init?() {
    descriptor = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK) | Int32(TFD_CLOEXEC))
    if descriptor < 0 { return nil }
  }

  deinit { close(descriptor) }

  /// Readable from then on. A moment in the past counts as now.
  func set(_ time: Int64) {
    guard time != deadline else { return }
    deadline = time
    let time = max(1, time)
    var setting = itimerspec()
    setting.it_value = timespec(
      tv_sec: Int(time / NanosecondClock.second), tv_nsec: Int(time % NanosecondClock.second))
    unsafe timerfd_settime(descriptor, Int32(TFD_TIMER_ABSTIME), &setting, nil)
  }

  /// Takes note that it rang.
  func acknowledge() {
    var expirations: UInt64 = 0
    _ = unsafe read(descriptor, &expirations, MemoryLayout<UInt64>.size)
    deadline = .max
  }
}
