import ChatRooms

/// How long reads for a join may take, and how these times depend on each other.
enum HistoryPatience {
  /// A tail's messages from the history; then the join makes do with what the journal keeps.
  static let read: Duration = .seconds(4)
  /// A server's right to be the one that reads: longer than its read, so that a slow one is not doubled.
  static let leaseMilliseconds: Int64 = 6_000
  /// How long the others wait for what it leaves: longer than its right lasts, so that at most one reads.
  static let exchange: Duration = .seconds(7)
  /// How long a join waits for its tail: longer than another server's read and an own one. Then the client is told to
  /// come again.
  static let join: Milliseconds = 9_000

  /// - Throws: `ChatError.unavailable` where the body is not through in time; it is cancelled then.
  static func limit<Result: Sendable>(
    _ time: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await Task.sleep(for: time)
        return nil
      }
      defer { group.cancelAll() }
      guard let result = try await group.next() ?? nil else { throw ChatError.unavailable(what) }
      return result
    }
  }
}
