import ChatRooms
import Drivers

/// Settles the doubts of a server's `RewindGuard`: compares the database with what this server, Redis and the index have
/// seen of it, and has it repaired where it went back.
public final class RewindWatch: Sendable {
  /// How often the lanes' heads are compared without any doubt.
  private static let interval = Duration.seconds(1)
  /// How soon a look that failed is taken again while there is a doubt.
  private static let retryDelay = Duration.milliseconds(100)
  /// How long the index may take to answer before a doubt is settled without it.
  private static let indexTimeout = Duration.seconds(1)

  private let protected: RewindGuard
  private let journal: any Journal
  private let witness: any LaneWitness
  private let repair: RewindRepair
  private let log: Log
  private let rewinds: Counter
  private let bell = WakeSignal()
  private let failures: OutageLog
  private let onRepaired: @Sendable () async -> Void

  /// - Parameter onRepaired: whatever is cached of rooms and users is void.
  public init(
    _ protected: RewindGuard, journal: any Journal, witness: any LaneWitness, repair: RewindRepair, metrics: Metrics,
    log: Log, onRepaired: @escaping @Sendable () async -> Void
  ) {
    self.protected = protected
    self.journal = journal
    self.witness = witness
    self.repair = repair
    self.log = log
    self.onRepaired = onRepaired
    rewinds = metrics.counter(
      "palaver_rewinds_total", "Times that this server found the database older than it had been, and repaired it.")
    failures = OutageLog(log, "the database is not cleared for writing", "the database is cleared for writing")
    protected.watch { [bell] in bell.ring() }
  }

  /// Looks once, before a server serves, so that a database which is as it should be is cleared when the first message
  /// comes. What is to be repaired is left to `run`.
  ///
  /// - Returns: whether the index is still to be asked.
  public func begin() async -> Bool {
    var owesIndex = true
    _ = await look(&owesIndex, isMending: false)
    return owesIndex
  }

  /// Until cancelled.
  ///
  /// - Parameter owesIndex: what `begin` returned.
  public func run(owesIndex: Bool) async {
    await withDiscardingTaskGroup { group in
      group.addTask {
        while (try? await Task.sleep(for: Self.interval)) != nil { self.bell.ring() }
      }
      var owesIndex = owesIndex
      while !Task.isCancelled {
        // Whoever waits for a doubt to be settled does not wait for the next tick.
        if await !look(&owesIndex), protected.openDoubt != nil {
          try? await Task.sleep(for: Self.retryDelay)
        } else {
          await bell.wait()
        }
      }
      group.cancelAll()
    }
  }

  private func look(_ owesIndex: inout Bool, isMending: Bool = true) async -> Bool {
    do {
      // Before anything is read: what is raised meanwhile stays open.
      let doubt = protected.openDoubt
      if doubt != nil { owesIndex = true }
      let evidence = try await evidence(isInDoubt: doubt != nil, &owesIndex)
      if !evidence.isEmpty {
        guard isMending else { return false }
        try await mend(evidence)
      }
      if let doubt { try await settle(doubt) }
      witness.note(protected.heads)
      failures.succeeded()
      return true
    } catch {
      if !Task.isCancelled { failures.failed("\(error)") }
      return false
    }
  }

  /// Whoever comes after this server must know how far the lanes were, also those that nobody writes to.
  private func settle(_ doubt: UInt64) async throws {
    let heads = try await journal.heads()
    // A head may be shown before it is durable, and taken back by a crash before the flush: then it is lower afterwards.
    try await journal.flush()
    let durable = Dictionary(try await journal.heads().map { ($0.lane, $0.head) }, uniquingKeysWith: min)
    protected.saw(heads.filter { $0.head <= durable[$0.lane] ?? 0 })
    protected.settle(doubt)
  }

  private func evidence(isInDoubt: Bool, _ owesIndex: inout Bool) async throws -> RewindEvidence {
    var evidence = RewindEvidence()
    evidence.seen = protected.heads
    if isInDoubt, let noted = await witness.heads() { evidence.seen.merge(noted, uniquingKeysWith: max) }
    let heads = try await journal.heads()
    evidence.lanes = heads.filter { $0.head < evidence.seen[$0.lane] ?? 0 }.map(\.lane)
    guard owesIndex || !evidence.lanes.isEmpty else { return evidence }
    evidence.isUnfinished = try await repair.hasUnfinished
    do {
      evidence.documents = try await evidenceInIndex()
      owesIndex = false
    } catch let error as SQLError {
      throw error
    } catch {
      // Sending must work without the index. It is asked again until it answers.
      log.debug("the index was not asked how far it is", ["error": "\(error)"])
    }
    return evidence
  }

  /// In time, or not at all.
  private func evidenceInIndex() async throws -> [RoomEvent] {
    try await withThrowingTaskGroup(of: [RoomEvent].self) { group in
      group.addTask { [repair] in try await repair.evidenceInIndex(timeout: Self.indexTimeout) }
      group.addTask {
        try await Task.sleep(for: Self.indexTimeout)
        throw IndexSilent()
      }
      defer { group.cancelAll() }
      return try await group.next() ?? []
    }
  }

  private struct IndexSilent: Error {}

  private func mend(_ evidence: RewindEvidence) async throws {
    log.error(
      "the database has gone back in time: writing waits until it is repaired", ["evidence": evidence.description])
    var evidence = evidence
    if let noted = await witness.heads() { evidence.seen.merge(noted, uniquingKeysWith: max) }
    let report = try await repair.run(evidence)
    await onRepaired()
    guard let report else { return log.info("another server has repaired the database") }
    rewinds.add()
    log.error(
      "the database was repaired: all rooms have a new epoch, and clients begin anew",
      ["from_index": "\(report.messages)", "lost": "\(report.holes)"])
  }
}
