import ChatRooms
import Drivers

/// Moves the history into a new generation of the index, with another number of shards or this version's mapping, while
/// servers send, index and search.
///
/// Elasticsearch copies what is indexed, and the journal, replayed from where the copy began, brings what happened since:
/// versions make it irrelevant which of the two comes first. For the changeover the lanes are seized, so that nobody else
/// moves their cursors: the rest is drained into the new generation, it is refreshed, and the aliases change in one step.
/// What the index does not show in that moment, searches and history pages take from the journal, as always.
public final class Resharding: Sendable {
  public enum Progress: Sendable, Equatable {
    /// Documents copied, of how many.
    case copying(Int64, of: Int64)
    /// Events of the journal brought after.
    case following(Int64)
  }

  public struct Outcome: Sendable, Equatable {
    public var generation: Int
    /// What history was read from before: kept, but not used any more.
    public var previous: Int
    public var documents: Int64
    /// Journal events that happened meanwhile, or were not indexed yet.
    public var events: Int64
    /// How long nobody indexed.
    public var pause: Duration
  }

  private static let leaseSeconds = 60
  private static let documentsPerBulk = 1_000

  private let journal: any Journal
  private let leases: any LaneLeases
  private let client: ElasticsearchClient
  private let names: IndexNames
  private let imports: ImportLedger
  private let generations: Generations
  private let writer: BulkWriter
  private let owner: String

  /// - Parameter shards: of the new generation.
  public init(
    journal: any Journal, leases: any LaneLeases, client: ElasticsearchClient, names: IndexNames,
    imports: ImportLedger, shards: Int, owner: String, log: Log
  ) {
    self.journal = journal
    self.leases = leases
    self.client = client
    self.names = names
    self.imports = imports
    self.owner = owner
    generations = Generations(client: client, names: names, shards: shards)
    writer = BulkWriter(client: client, alias: names.next, log: log, metrics: IndexerMetrics(Metrics()))
  }

  /// - Parameters:
  ///   - documentsPerSecond: the copy goes no faster; `nil` for as fast as it can.
  ///   - report: called now and then.
  /// - Throws: `ReshardingError` where history could not be moved; it is as it was then.
  public func run(
    documentsPerSecond: Int?, report: @Sendable (Progress) -> Void
  ) async throws -> Outcome {
    guard let old = try await generations.number(of: names.read) else {
      throw ReshardingError("there is no index \(names.read): run palaver migrate first")
    }
    // The same number as a run before that was killed: two generations may not both be filled.
    let new = old + 1
    try await generations.createNext(new)
    do {
      return try await move(from: old, to: new, documentsPerSecond, report)
    } catch {
      // Not the new generation's name: another run of this would not find the aliases changed.
      if try await generations.number(of: names.read) == old { try? await generations.remove(new) }
      throw error
    }
  }

  private func move(
    from old: Int, to new: Int, _ documentsPerSecond: Int?, _ report: @Sendable (Progress) -> Void
  ) async throws -> Outcome {
    let imported = try await bytesImported()
    var cursors = try await self.cursors()
    // The copy sees what was refreshed before it; everything behind the cursors is brought after.
    _ = try await client.refresh(names.read)
    let copy = ReindexTask(
      client: client, source: names.generation(old), target: names.generation(new),
      documentsPerSecond: documentsPerSecond)
    try await copy.start()
    var documents: Int64 = 0
    do {
      while true {
        try await follow(&cursors, report)
        let state = try await copy.state()
        documents = state.done
        report(.copying(state.done, of: state.total))
        if state.isCompleted { break }
        try await Task.sleep(for: .milliseconds(500))
      }
    } catch {
      await copy.cancel()
      throw error
    }
    try await follow(&cursors, report)
    let pause = try await changeOver(from: old, to: new, &cursors) {
      guard try await self.bytesImported() == imported else {
        throw ReshardingError("an import ran meanwhile, past the journal: try again")
      }
    }
    return Outcome(
      generation: new, previous: old, documents: documents, events: cursors.events, pause: pause)
  }

  /// Imports write past the journal: what they write during the copy, nobody would bring after.
  private func bytesImported() async throws -> Int64 {
    guard let bytes = try await imports.bytesImported() else {
      throw ReshardingError(
        "an import has not ended: let it end, or give it up (palaver import --abandon), and try again")
    }
    return bytes
  }

  // MARK: Following the journal

  /// How far each lane has been brought into the new generation.
  private struct Cursors {
    var positions: [Int: Int64]
    var events: Int64 = 0
  }

  private func cursors() async throws -> Cursors {
    let heads = try await journal.heads()
    return Cursors(positions: Dictionary(heads.map { ($0.lane, $0.indexed) }, uniquingKeysWith: max))
  }

  /// Brings what the indexers have indexed since; they alone decide what is durable.
  private func follow(_ cursors: inout Cursors, _ report: @Sendable (Progress) -> Void) async throws {
    for head in try await journal.heads() {
      try await follow(head.lane, through: head.indexed, &cursors)
      report(.following(cursors.events))
    }
  }

  private func follow(_ lane: Int, through last: Int64, _ cursors: inout Cursors) async throws {
    while let position = cursors.positions[lane], position < last {
      let events = try await journal.events(lane: lane, after: position, limit: Self.documentsPerBulk)
      guard let first = events.first, let newest = events.last, first.position == position + 1 else {
        throw ReshardingError(
          "the journal was trimmed behind the copy (lane \(lane), position \(position)): try again with a longer "
            + "--journal-keep on the servers, or a faster copy")
      }
      try await write(events)
      cursors.positions[lane] = newest.position
      cursors.events += Int64(events.count)
    }
  }

  /// A conflict is what the copy brought already. What is refused, the indexer has among the dead letters: its fallback
  /// document is copied, or written here.
  private func write(_ events: [RoomEvent]) async throws {
    var batch = BulkBatch()
    for event in events where MessageDocument.concerns(event) { batch.append(event) }
    guard !batch.isEmpty else { return }
    var refused = BulkBatch(isTextIndexed: false)
    for (event, fate) in zip(batch.events, try await writer.write(batch)) {
      if case .refused = fate { refused.append(event) }
    }
    if !refused.isEmpty { _ = try await writer.write(refused) }
  }

  // MARK: Changing over

  private func changeOver(
    from old: Int, to new: Int, _ cursors: inout Cursors, _ check: () async throws -> Void
  ) async throws -> Duration {
    let start = ContinuousClock.now
    do {
      // Nobody moves a cursor from here on; what was moved before, the new generation gets now.
      let held = try await leases.seize(owner: owner, seconds: Self.leaseSeconds)
      for lease in held { try await follow(lease.lane, through: lease.indexed, &cursors) }
      guard try await client.refresh(names.next).failed == 0 else {
        throw ReshardingError("not every copy of \(names.generation(new)) could be refreshed")
      }
      try await check()
      guard ContinuousClock.now - start < .seconds(Self.leaseSeconds) / 2 else {
        throw ReshardingError("the last events took too long; try again when less is sent")
      }
      try await generations.change(from: old, to: new)
    } catch {
      try? await leases.release(owner: owner)
      throw error
    }
    try await leases.release(owner: owner)
    return ContinuousClock.now - start
  }

  /// Deletes the generations that nothing is read from or written to. Returns their numbers.
  public func removeOld() async throws -> [Int] {
    guard let current = try await generations.number(of: names.read) else { return [] }
    let unused = try await generations.all().filter { $0 < current }
    for number in unused { try await generations.remove(number) }
    return unused
  }
}

/// History could not be moved, and why.
public struct ReshardingError: Error, Sendable, CustomStringConvertible {
  public var description: String

  init(_ description: String) { self.description = description }
}
