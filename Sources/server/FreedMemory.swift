import CMalloc
import Drivers
import Foundation

/// Gives memory that was freed back to the system.
///
/// The C library keeps what is freed in arenas, eight for each processor, and gives back only what lies at an arena's
/// end: after a burst a server would hold most of what the burst took, for ever, once for each arena that it ran in.
enum FreedMemory {
  /// Seconds between two looks. A look takes about a millisecond for ten megabytes of freed memory, during which threads
  /// of the arena that is looked at wait.
  static let interval: Duration = .seconds(10)

  /// As many arenas as threads can run at once. To be called before threads are begun.
  static func limitArenas() {
    palaver_limit_arenas(Int32(clamping: max(2, ProcessInfo.processInfo.activeProcessorCount)))
  }

  static func giveBack() { palaver_return_freed_memory() }

  /// Works until cancelled.
  static func run() async {
    while !Task.isCancelled {
      await Blocking.run(giveBack)
      try? await Task.sleep(for: interval)
    }
  }
}
