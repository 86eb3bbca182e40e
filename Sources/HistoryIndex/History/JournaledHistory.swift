import ChatRooms
import Drivers

/// The history of the stack: what the journal still holds, and the index for what was trimmed from it.
///
/// The journal is read first. What is not in it then was trimmed before, hence was in the index, refreshed, before; the
/// other way round a row trimmed between the two reads would be in neither (hazard 10).
public struct JournaledHistory: History {
  private let journal: any Journal
  private let index: ElasticsearchHistory
  private let log: Log
  private let fromJournal: Counter
  private let fromIndex: Counter

  public init(journal: any Journal, index: ElasticsearchHistory, metrics: Metrics = Metrics(), log: Log) {
    self.journal = journal
    self.index = index
    self.log = log
    fromJournal = HistorySource.journal.counter(in: metrics)
    fromIndex = HistorySource.elasticsearch.counter(in: metrics)
  }

  public func messages(in room: Room, seqs: ClosedRange<Int64>) async throws -> [Message] {
    var found = Found(try await reading("The journal") { try await journal.messages(in: room.id, seqs: seqs) })
    let missing = found.missing(of: seqs)
    (missing.isEmpty ? fromJournal : fromIndex).add()
    if let first = missing.first, let last = missing.last {
      found.add(try await reading("The history") { try await index.messages(room: room, seqs: first...last) })
    }
    let unseen = found.missing(of: seqs)
    try await addCurrent(unseen, in: room, to: &found)
    guard found.missing(of: seqs).isEmpty else { throw hole(room, found.missing(of: seqs)) }
    return found.sorted(within: seqs)
  }

  public func messages(in room: Room, seqs: [Int64]) async throws -> [Message] {
    var found = Found(try await reading("The journal") { try await journal.messages(in: room.id, seqs: seqs) })
    let missing = found.missing(of: seqs)
    (missing.isEmpty ? fromJournal : fromIndex).add()
    if !missing.isEmpty {
      found.add(try await reading("The history") { try await index.messages(room: room, seqs: missing) })
    }
    try await addCurrent(found.missing(of: seqs), in: room, to: &found)
    let left = found.missing(of: seqs)
    if !left.isEmpty {
      let last = try await reading("The journal") { try await journal.position(of: room.id) }?.lastSeq ?? 0
      let holes = left.filter { $0 >= 1 && $0 <= last }
      guard holes.isEmpty else { throw hole(room, holes) }
    }
    return found.sorted()
  }

  /// A refresh may not have happened on the copy that answered.
  private func addCurrent(_ seqs: [Int64], in room: Room, to found: inout Found) async throws {
    guard !seqs.isEmpty else { return }
    found.add(try await reading("The history") { try await index.currentMessages(room: room, seqs: seqs) })
  }

  private func reading<Result: Sendable>(
    _ source: String, _ body: () async throws -> Result
  ) async throws -> Result {
    do {
      return try await body()
    } catch let error as ChatError {
      throw error
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      log.warning("history read failed", ["source": source, "error": "\(error)"])
      throw ChatError.unavailable(source)
    }
  }

  private func hole(_ room: Room, _ seqs: [Int64]) -> ChatError {
    log.error(
      "messages are neither in the journal nor in the index",
      ["room": "\(room.id)", "first": "\(seqs.first ?? 0)", "count": "\(seqs.count)"])
    return .unavailable("A part of the history")
  }
}

/// Messages by number; of two states of one message the later.
private struct Found {
  private var bySeq: [Int64: Message] = [:]

  init(_ messages: [Message]) { add(messages) }

  mutating func add(_ messages: [Message]) {
    for message in messages {
      if let known = bySeq[message.seq], known.revised >= message.revised { continue }
      bySeq[message.seq] = message
    }
  }

  func missing(of seqs: some Sequence<Int64>) -> [Int64] { seqs.filter { bySeq[$0] == nil } }

  func sorted() -> [Message] { bySeq.values.sorted { $0.seq < $1.seq } }

  func sorted(within seqs: ClosedRange<Int64>) -> [Message] { sorted().filter { seqs.contains($0.seq) } }
}
