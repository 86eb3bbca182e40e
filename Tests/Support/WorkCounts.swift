import AllocationCounter

/// What work costs in calls of the allocator and of the kernel: counts, which do not depend on how busy the machine is.
///
/// ```swift
/// let cost = WorkCounts.ofThread { for frame in frames { queue.append(frame) } }
/// #expect(cost.allocations <= 2)
/// ```
public struct WorkCounts: Sendable, Equatable {
  public var allocations = 0
  /// As asked for: what an allocator rounds up is not in it.
  public var allocatedBytes = 0
  /// Blocks that were given back.
  public var frees = 0
  /// Calls of `send`, `sendmsg`, `write` and `writev`.
  public var writes = 0
  /// Calls of `recv` and `read`.
  public var reads = 0
  /// Calls of `epoll_wait`.
  public var waits = 0
  /// Calls of `epoll_ctl`.
  public var controls = 0

  /// Blocks that were allocated and not given back.
  public var held: Int { allocations - frees }

  /// What `body` costs on the calling thread, whatever other threads do meanwhile.
  public static func ofThread(_ body: () throws -> Void) rethrows -> WorkCounts {
    let before = WorkCounts(work_counts_of_thread())
    try body()
    return WorkCounts(work_counts_of_thread()) - before
  }

  /// What all threads did so far. For work that passes from thread to thread: take it before and after, and allow for
  /// what else the process does.
  public static var ofProcess: WorkCounts { WorkCounts(work_counts_of_process()) }

  public static func - (left: WorkCounts, right: WorkCounts) -> WorkCounts {
    var difference = WorkCounts()
    difference.allocations = left.allocations - right.allocations
    difference.allocatedBytes = left.allocatedBytes - right.allocatedBytes
    difference.frees = left.frees - right.frees
    difference.writes = left.writes - right.writes
    difference.reads = left.reads - right.reads
    difference.waits = left.waits - right.waits
    difference.controls = left.controls - right.controls
    return difference
  }

  private init() {}

  private init(_ counts: work_counts) {
    allocations = Int(clamping: counts.allocations)
    allocatedBytes = Int(clamping: counts.allocated_bytes)
    frees = Int(clamping: counts.frees)
    writes = Int(clamping: counts.writes)
    reads = Int(clamping: counts.reads)
    waits = Int(clamping: counts.waits)
    controls = Int(clamping: counts.controls)
  }
}
