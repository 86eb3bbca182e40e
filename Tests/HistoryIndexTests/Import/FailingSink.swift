import Foundation

@testable import HistoryIndex

/// Writes some batches and then fails, as if the process had been killed.
final class FailingSink: ImportSink, @unchecked Sendable {
  struct Killed: Error {}

  private let base: any ImportSink
  private let lock = NSLock()
  private var left: Int

  init(_ base: any ImportSink, after batches: Int) {
    self.base = base
    left = batches
  }

  var concurrency: Int { base.concurrency }
  var linesPerBatch: Int { base.linesPerBatch }

  func write(_ batch: ImportBatch) async throws {
    let isAlive = lock.withLock {
      left -= 1
      return left >= 0
    }
    guard isAlive else { throw Killed() }
    try await base.write(batch)
  }

  func record(_ checkpoint: ImportCheckpoint) async throws { try await base.record(checkpoint) }
}
