import Drivers
import Foundation
import Migrations

@testable import ChatRooms

/// A database with the schema, for one test.
struct TestDatabase: Sendable {
  var database: any SQLDatabase
  private var folder: TemporaryFolder?

  static func sqlite() async throws -> TestDatabase {
    let folder = try TemporaryFolder()
    let database = try SQLiteDatabase(path: folder.file("a.db"), options: SQLiteOptions(readers: 1))
    for statement in Migrations.sqlite.flatMap(\.statements) { try await database.execute(statement) }
    return TestDatabase(database: database, folder: folder)
  }
}
