import ChatRooms

/// A message of a deleted user, in the state in which it was found.
public struct MessageTrace: Sendable, Equatable {
  public var room: Room
  public var message: Message

  public init(room: Room, message: Message) {
    self.room = room
    self.message = message
  }
}

/// Where the messages of a deleted user are found, and what keeps something of them beside.
public protocol MessageTraces: Sendable {
  /// Returns once whatever was being committed when the erasure was recorded can be found.
  func settle() async throws

  /// Finds what still names the user, and takes away what only repeats an earlier state of a message.
  ///
  /// - Parameter change: takes messages to be changed, page by page. What it has changed may be found again for a while.
  /// - Returns: how much was found; 0 if nothing is left.
  func sweep(_ erasure: Erasure, change: ([MessageTrace]) async throws -> Void) async throws -> Int

  /// Waits, for some seconds at most, until what was changed shows where the next sweep looks.
  func catchUp() async throws

  /// Takes away what is left beside the messages, once no sweep finds anything.
  ///
  /// - Returns: why that is not all yet; `nil` if it is.
  func purge(_ erasure: Erasure) async throws -> String?
}
