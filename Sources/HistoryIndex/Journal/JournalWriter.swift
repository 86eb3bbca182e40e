import ChatRooms
import Drivers

/// Takes submissions from many threads and commits them in natural batches: while one commits, the next gathers.
///
/// A room is always the same writer's, so that two messages of one sender keep their order.
public final class JournalWriter: Sendable {
  /// Called once, on a writer's thread; must not wait. A `.failure` is `ChatError` 503 `unavailable`: it is unknown
  /// whether the submission was stored, and the same ref may be sent again.
  public typealias Completion = @Sendable (Result<Committed, ChatError>) -> Void

  public struct Committed: Sendable {
    public var event: RoomEvent
    /// The same ref had been stored before.
    public var isDuplicate: Bool
  }

  public init() {}

  public func submit(_ submission: Submission, completion: @escaping Completion) {
    completion(.failure(.unavailable("The journal")))
  }

  public func submit(_ submission: Submission) async throws(ChatError) -> Committed {
    let result = await withCheckedContinuation { continuation in
      submit(submission) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }
}
