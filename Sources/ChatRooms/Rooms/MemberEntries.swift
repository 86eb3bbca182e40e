/// Lets people who come into one room at the same time become its members in one transaction: while one is under way,
/// the next gathers. Each would otherwise wait for the commits of all before it, as they hold the room's lock.
actor MemberEntries {
  struct Entry: Sendable {
    var user: User
    var role: Membership.Role
  }

  /// Whether each was new, or why it could not be.
  typealias Outcome = Result<Bool, ChatError>

  private enum Turn {
    /// Others carried it out.
    case ended(Result<Bool, any Error>)
    /// To carry out the next transaction, with these.
    case lead([Waiter])
  }

  private struct Waiter {
    var entry: Entry
    var continuation: CheckedContinuation<Turn, Never>
  }

  /// Entries of one transaction.
  private static let largestBatch = 500

  private var waiting: [RoomID: [Waiter]] = [:]
  private var underWay: Set<RoomID> = []

  /// - Parameter commit: makes members of several, with outcomes in their order.
  /// - Throws: what `commit` does, and the entry's own failure.
  func add(
    _ entry: Entry, to room: RoomID, commit: @Sendable ([Entry]) async throws -> [Outcome]
  ) async throws -> Bool {
    var others: [Waiter] = []
    if underWay.contains(room) {
      let turn = await withCheckedContinuation {
        waiting[room, default: []].append(Waiter(entry: entry, continuation: $0))
      }
      switch turn {
      case .ended(let result): return try result.get()
      case .lead(let batch): others = batch
      }
    }
    underWay.insert(room)
    defer { handOver(room) }
    let outcomes: [Result<Bool, any Error>]
    do {
      outcomes = try await commit([entry] + others.map(\.entry)).map { $0.mapError { $0 } }
    } catch {
      outcomes = Array(repeating: .failure(error), count: others.count + 1)
    }
    // One entry, one outcome: whoever has none is told that it is not known.
    let unknown: Result<Bool, any Error> = .failure(ChatError.unavailable("The room"))
    for (index, waiter) in others.enumerated() {
      waiter.continuation.resume(returning: .ended(index + 1 < outcomes.count ? outcomes[index + 1] : unknown))
    }
    return try (outcomes.first ?? unknown).get()
  }

  private func handOver(_ room: RoomID) {
    guard var queue = waiting.removeValue(forKey: room), !queue.isEmpty else {
      underWay.remove(room)
      return
    }
    let next = queue.removeFirst()
    if queue.count >= Self.largestBatch { waiting[room] = Array(queue[(Self.largestBatch - 1)...]) }
    next.continuation.resume(returning: .lead(Array(queue.prefix(Self.largestBatch - 1))))
  }
}
