import ChatRooms
import Drivers

/// Brings batches into the index, however long it takes: what failed for now is sent again with the same ids and
/// versions, what cannot be told apart is split. Several batches may be under way at once.
final class BulkWriter: Sendable {
  /// What became of one event of a batch.
  enum Fate: Sendable, Equatable {
    case indexed
    /// The index had that version or a later one.
    case conflict
    case refused(ElasticsearchError)
  }

  private let client: ElasticsearchClient
  private let alias: String
  private let timeout: Duration
  private let state: OutageLog
  private let metrics: IndexerMetrics

  /// - Parameter timeout: of one request.
  init(
    client: ElasticsearchClient, alias: String, timeout: Duration = .seconds(30), log: Log, metrics: IndexerMetrics
  ) {
    self.client = client
    self.alias = alias
    self.timeout = timeout
    self.metrics = metrics
    state = OutageLog(log, "Elasticsearch takes no documents", "Elasticsearch takes documents again")
  }

  /// Returns once the fate of every event is known, in the batch's order.
  ///
  /// - Throws: `CancellationError` only.
  func write(_ batch: BulkBatch) async throws -> [Fate] {
    var fates: [Fate?] = Array(repeating: nil, count: batch.events.count)
    var open = [Array(batch.events.indices)]
    var backoff = Backoff()
    while let indices = open.popLast() {
      try Task.checkCancellation()
      let step = try await send(batch, indices)
      for (index, fate) in step.settled { fates[index] = fate }
      open += step.open
      guard step.isSetback else {
        backoff.reset()
        continue
      }
      try await Task.sleep(for: backoff.next())
    }
    return fates.map { $0 ?? .indexed }
  }

  /// What one request settled and what is left to do.
  private struct Step {
    var settled: [(Int, Fate)] = []
    var open: [[Int]] = []
    /// Wait before going on.
    var isSetback = false
  }

  private func send(_ batch: BulkBatch, _ indices: [Int]) async throws -> Step {
    guard !indices.isEmpty else { return Step() }
    let reply: BulkReply
    do {
      let answer = try await client.bulk(into: alias, body: batch.body(of: indices), timeout: timeout)
      reply = BulkReply(answer, count: indices.count)
    } catch {
      // Stopping is no outage.
      try Task.checkCancellation()
      reply = .again("\(error)")
    }
    return settle(indices, reply)
  }

  private func settle(_ indices: [Int], _ reply: BulkReply) -> Step {
    switch reply {
    case .items(let items): return settle(indices, items)
    case .again(let reason): return setback(indices, reason, metrics.batchesAgain)
    case .blocked(let error): return setback(indices, error.description, metrics.batchesBlocked)
    case .split(let error):
      guard indices.count > 1 else { return Step(settled: indices.map { ($0, .refused(error)) }) }
      metrics.batchesSplit.add()
      let half = indices.count / 2
      return Step(open: [Array(indices[half...]), Array(indices[..<half])])
    }
  }

  private func setback(_ indices: [Int], _ reason: String, _ counter: Counter) -> Step {
    counter.add()
    state.failed(reason)
    return Step(open: [indices], isSetback: true)
  }

  private func settle(_ indices: [Int], _ items: [BulkReply.Item]) -> Step {
    var step = Step()
    var left: [Int] = []
    var reason: String?
    for (index, item) in zip(indices, items) {
      switch item {
      case .done: step.settled.append((index, .indexed))
      case .conflict: step.settled.append((index, .conflict))
      case .refused(let error): step.settled.append((index, .refused(error)))
      case .again(let words):
        left.append(index)
        reason = words
      case .blocked(let error):
        left.append(index)
        reason = error.description
      }
    }
    if let reason {
      state.failed(reason)
      metrics.itemsAgain.add(left.count)
      step.open = [left]
      step.isSetback = true
    } else {
      state.succeeded()
    }
    return step
  }
}
