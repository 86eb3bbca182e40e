import Migrations
import Testing

@Suite struct MigrationsTests {
  @Test func everyStepSplitsIntoWholeStatements() {
    for migration in Migrations.mysql + Migrations.sqlite {
      #expect(!migration.statements.isEmpty)
      let beginnings = ["CREATE", "ALTER TABLE", "INSERT INTO"]
      let isWhole = migration.statements.allSatisfy { beginnings.contains(where: $0.hasPrefix) }
      #expect(isWhole, "\(migration.name)")
    }
  }

  @Test("Hazard 23: SQLite gives no number of a room or user again")
  func numbersAreNeverGivenAgain() throws {
    let statements = Migrations.sqlite.flatMap(\.statements)
    for table in ["rooms", "users"] {
      let made = try #require(
        statements.first { $0.contains("TABLE IF NOT EXISTS \(table) (") || $0.contains("TABLE \(table) (") })
      #expect(made.contains("id INTEGER PRIMARY KEY AUTOINCREMENT"), "\(made)")
    }
  }
}
