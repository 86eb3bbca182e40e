import ChatRooms
import Drivers

/// The embedded profile's history: the journal's own table.
public struct SQLiteHistory: History {
  private let database: SQLiteDatabase

  public init(database: SQLiteDatabase) { self.database = database }

  public func messages(in room: Room, seqs: ClosedRange<Int64>) async throws -> [Message] {
    let messages = try await reading { try SQLiteMessages.messages(in: room.id, seqs: seqs, $0) }
    guard messages.count == seqs.count else { throw Self.unavailable(room) }
    return messages
  }

  public func messages(in room: Room, seqs: [Int64]) async throws -> [Message] {
    try await reading { try SQLiteMessages.messages(in: room.id, seqs: seqs, $0) }
  }

  private func reading(
    _ body: @escaping @Sendable (SQLiteConnection) throws -> [Message]
  ) async throws -> [Message] {
    do {
      return try await database.read(body)
    } catch let error as SQLError where error.kind == .unavailable || error.kind == .conflict {
      throw ChatError.unavailable("The history")
    }
  }

  private static func unavailable(_ room: Room) -> ChatError { .unavailable("The history of room \(room.id)") }
}
