import Drivers
import Foundation

@testable import ChatRooms

/// A database with the schema, for one test.
struct TestDatabase: Sendable {
  var database: any SQLDatabase
  private var folder: TemporaryFolder?

  static func sqlite() async throws -> TestDatabase {
    let folder = try TemporaryFolder()
    let database = try SQLiteDatabase(path: folder.file("a.db"), options: SQLiteOptions(readers: 1))
    _ = try await SchemaMigrator.migrate(database)
    return TestDatabase(database: database, folder: folder)
  }
}
