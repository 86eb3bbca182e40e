import Foundation
import Testing

@testable import HistoryIndex

@Suite struct FlushGroupTests {
  /// Counts flushes, and holds the first until it is let go.
  private actor Disk {
    private(set) var flushes = 0
    private var held: CheckedContinuation<Void, Never>?
    private var isOpen = false

    func flush() async {
      flushes += 1
      if flushes == 1, !isOpen { await withCheckedContinuation { held = $0 } }
    }

    func open() {
      isOpen = true
      held?.resume()
      held = nil
    }

    var isHolding: Bool { held != nil }
  }

  @Test func whoComesDuringAFlushSharesTheNext() async throws {
    let group = FlushGroup()
    let disk = Disk()
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.join { await disk.flush() } }
      while await !disk.isHolding { await Task.yield() }
      for _ in 0..<100 { tasks.addTask { try await group.join { await disk.flush() } } }
      for _ in 0..<1_000 { await Task.yield() }
      await disk.open()
      try await tasks.waitForAll()
    }
    let flushes = await disk.flushes
    #expect((2...4).contains(flushes), "\(flushes)")
  }

  @Test func aFailureReachesAllWhoWaitedAndTheNextGoesOn() async throws {
    let group = FlushGroup()
    await #expect(throws: CancellationError.self) { try await group.join { throw CancellationError() } }
    try await group.join {}
  }
}
