import ChatRooms
import Drivers

/// Imports into the embedded profile: messages and progress are one transaction, so there is nothing to repeat.
public struct SQLiteImportSink: ImportSink {
  private let database: any SQLDatabase

  public init(database: any SQLDatabase) { self.database = database }

  public let concurrency = 1

  private static let insert =
    "INSERT INTO messages (room_id, seq, event, revised, user_id, user_name, ref, sent_at, reply_to, text, data) "
    + "VALUES (\(SQLDialect.placeholders(11)))"

  public func write(_ batch: ImportBatch) async throws {
    try await database.withTransaction { connection in
      for event in batch.events {
        let message = event.message
        try connection.execute(
          Self.insert,
          [
            .integer(message.room), .integer(message.seq), .integer(message.event), .integer(message.revised),
            .integer(message.userID), .text(message.user), .optional(message.ref), .integer(message.timestamp),
            .optional(message.replyTo), .text(message.text), .optional(message.data),
          ])
      }
      try ImportLedger.record(batch.progress, rooms: batch.rooms, on: connection)
    }
  }

  public func record(_ checkpoint: ImportCheckpoint) async throws {}
}
