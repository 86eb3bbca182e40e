import ChatRooms
import Drivers

/// Imports into the embedded profile: messages, the index of their words and the progress are one transaction, so there
/// is nothing to repeat.
public final class SQLiteImportSink: ImportSink, @unchecked Sendable {
  private let database: SQLiteDatabase
  // One batch is under way at a time, and a transaction runs on the database's one writing thread.
  private let writer = SQLiteMessageWriter()

  public init(database: SQLiteDatabase) { self.database = database }

  public let concurrency = 1

  public func write(_ batch: ImportBatch) async throws {
    try await database.withTransaction { [self] connection in
      writer.beginTransaction()
      for event in batch.events { try writer.insert(event.message, ref: event.message.ref, connection) }
      try ImportLedger.record(batch.progress, rooms: batch.rooms, on: connection)
    }
  }

  public func record(_ checkpoint: ImportCheckpoint) async throws {}
}
