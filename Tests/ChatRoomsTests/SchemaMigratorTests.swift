import Drivers
import Foundation
import Testing

@testable import ChatRooms

private let serverText = ProcessInfo.processInfo.environment["PALAVER_TEST_MYSQL"]

/// Needs a server: PALAVER_TEST_MYSQL.
@Suite(.enabled(if: serverText != nil)) struct SchemaMigratorTests {
  private func withDatabase<Result>(_ body: (MySQLURL) async throws -> Result) async throws -> Result {
    let url = try MySQLURL(serverText ?? "")
    let name = "palaver_schema_\(UInt32.random(in: .min ... .max))"
    let admin = try MySQLConnection(url)
    try admin.execute("CREATE DATABASE \(name)")
    defer { _ = try? admin.execute("DROP DATABASE \(name)") }
    return try await body(url.selecting(database: name))
  }

  @Test func migratingTwiceIsMigratingOnce() async throws {
    try await withDatabase { url in
      let connection = try MySQLConnection(url)
      let first = try SchemaMigrator(connection).migrate()
      #expect(first.applied.first == 1)
      #expect(first.installation.count == 8)
      let second = try SchemaMigrator(connection).migrate()
      #expect(second.applied.isEmpty)
      #expect(second.installation == first.installation)
      #expect(try SchemaMigrator(connection).installed() == second)
      for table in ["journal_lanes", "lane_leases"] {
        #expect(try connection.query("SELECT COUNT(*) FROM \(table)").first?.integer(0) == 16)
      }
    }
  }

  @Test func serversThatMigrateAtOnceAgree() async throws {
    try await withDatabase { url in
      let schemas = try await withThrowingTaskGroup(of: InstalledSchema.self) { group in
        for _ in 0..<4 { group.addTask { try await SchemaMigrator.migrate(MySQLPool(url, size: 1)) } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(Set(schemas.map(\.installation)).count == 1)
      #expect(schemas.filter { !$0.applied.isEmpty }.count == 1)
    }
  }

  /// MySQL commits each DDL statement: a crash leaves some of a step's tables, and no record of the step.
  @Test func aStepThatWasInterruptedIsFinished() async throws {
    try await withDatabase { url in
      let connection = try MySQLConnection(url)
      _ = try SchemaMigrator(connection).migrate()
      try connection.execute("DROP TABLE dead_letters")
      try connection.execute("DELETE FROM schema_migrations")
      #expect(try SchemaMigrator(connection).migrate().applied.contains(1))
      #expect(try connection.query("SELECT * FROM dead_letters").isEmpty)
    }
  }

  @Test func aDatabaseWithoutTheSchemaIsOutdated() async throws {
    try await withDatabase { url in
      let connection = try MySQLConnection(url)
      #expect(throws: SchemaOutdated.self) { try SchemaMigrator(connection).installed() }
    }
  }
}
