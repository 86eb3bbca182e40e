import ChatRooms
import Drivers

/// Imports into the embedded profile: messages, their words and the progress are one transaction, so there is nothing
/// to repeat.
public struct SQLiteImportSink: ImportSink {
  private let database: any SQLDatabase
  private let writer = SQLiteMessageWriter()

  public init(database: SQLiteDatabase) { self.database = database }

  public let concurrency = 1
  public let linesPerBatch = 1_000

  public func write(_ batch: ImportBatch) async throws {
    let writer = writer
    try await database.withTransaction { connection in
      try writer.beginTransaction(connection)
      for event in batch.events { try writer.insert(event.message, ref: event.message.ref, connection) }
      try ImportLedger.record(batch.progress, rooms: batch.rooms, changes: batch.changes, on: connection)
    }
  }

  public func record(_ checkpoint: ImportCheckpoint) async throws {}
}
