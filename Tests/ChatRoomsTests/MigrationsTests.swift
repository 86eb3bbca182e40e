import Migrations
import Testing

@Suite struct MigrationsTests {
  @Test func everyStepSplitsIntoWholeStatements() {
    for migration in Migrations.mysql + Migrations.sqlite {
      #expect(!migration.statements.isEmpty)
      #expect(migration.statements.allSatisfy { $0.hasPrefix("CREATE") }, "\(migration.name)")
    }
  }
}
