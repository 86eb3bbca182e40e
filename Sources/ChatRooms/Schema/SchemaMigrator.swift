import Drivers
import Foundation
import Migrations

/// What a database holds once it has this version's schema.
public struct InstalledSchema: Sendable, Equatable {
  /// Names this installation, at random: 8 characters of base 36.
  public var installation: String
  /// The newest step that is applied; higher than this program's newest if a later version migrated the database.
  public var version: Int
  /// The steps that this run applied.
  public var applied: [Int]
}

/// The database lacks steps of the schema.
public struct SchemaOutdated: Error, Sendable, Equatable, CustomStringConvertible {
  public var found: Int
  public var wanted: Int

  public var description: String {
    "The database has version \(found) of the schema, this program needs \(wanted). Run: palaver migrate"
  }
}

/// Brings a database to this version's schema. Idempotent, and safe when several servers run it at once.
///
/// SQLite does it all in one transaction. MySQL commits with each DDL statement, so there one server at a time works
/// under a named lock, and every statement of a step can be run again after a crash in its middle.
public struct SchemaMigrator {
  /// Lanes of the journal, in MySQL.
  public static let laneCount = 16

  private let connection: any SQLConnection
  private let migrations: [Migration]

  public init(_ connection: any SQLConnection) {
    self.init(connection, connection.dialect == .mysql ? Migrations.mysql : Migrations.sqlite)
  }

  init(_ connection: any SQLConnection, _ migrations: [Migration]) {
    self.connection = connection
    self.migrations = migrations
  }

  public static func migrate(_ database: any SQLDatabase) async throws -> InstalledSchema {
    try await database.withConnection { try SchemaMigrator($0).migrate() }
  }

  /// - Throws: `SchemaOutdated` where steps are missing; `SQLError`.
  public static func installed(_ database: any SQLDatabase) async throws -> InstalledSchema {
    try await database.withConnection { try SchemaMigrator($0).installed() }
  }

  public func migrate() throws -> InstalledSchema {
    switch connection.dialect {
    case .sqlite: try connection.transaction { try applyMissing() }
    case .mysql: try withSchemaLock { try applyMissing() }
    }
  }

  public func installed() throws -> InstalledSchema {
    let wanted = migrations.map(\.version).max() ?? 0
    let found = try versionIfAny()
    guard found >= wanted else { throw SchemaOutdated(found: found, wanted: wanted) }
    return InstalledSchema(installation: try installation(), version: found, applied: [])
  }

  private func applyMissing() throws -> InstalledSchema {
    try makeVersionTable()
    var done = try appliedVersions()
    let missing = migrations.filter { !done.contains($0.version) }
    for migration in missing {
      for statement in migration.statements { try execute(statement) }
      try record(migration)
      done.insert(migration.version)
    }
    try makeFirstRows()
    return InstalledSchema(
      installation: try installation(), version: done.max() ?? 0, applied: missing.map(\.version))
  }

  /// An index that an interrupted run has made is there already: only MariaDB knows IF NOT EXISTS of indices.
  private func execute(_ statement: String) throws {
    do { try connection.execute(statement) } catch let error as SQLError
      where connection.dialect == .mysql && error.code == Self.duplicateIndexName
    {}
  }

  private static let duplicateIndexName = 1_061

  private func makeVersionTable() throws {
    let engine = connection.dialect == .mysql ? " ENGINE=InnoDB" : ""
    try connection.execute(
      """
      CREATE TABLE IF NOT EXISTS schema_migrations (
        version INTEGER NOT NULL PRIMARY KEY, name VARCHAR(64) NOT NULL, applied_at BIGINT NOT NULL
      )\(engine)
      """)
  }

  private func appliedVersions() throws -> Set<Int> {
    Set(try connection.query("SELECT version FROM schema_migrations").compactMap { $0.integer(0).map(Int.init) })
  }

  /// 0 for a database that was never migrated: it has no such table.
  private func versionIfAny() throws -> Int {
    do { return try appliedVersions().max() ?? 0 } catch let error as SQLError where error.kind == .other { return 0 }
  }

  private func record(_ migration: Migration) throws {
    try connection.execute(
      "\(connection.dialect.insertOrIgnore) schema_migrations (version, name, applied_at) VALUES (?, ?, ?)",
      [.integer(Int64(migration.version)), .text(migration.name), .integer(Self.now)])
  }

  private func makeFirstRows() throws {
    let insert = connection.dialect.insertOrIgnore
    try connection.execute(
      "\(insert) installation (one, id, created_at) VALUES (1, ?, ?)", [.text(Self.randomID()), .integer(Self.now)])
    guard connection.dialect == .mysql else { return }
    let rows = (0..<Self.laneCount).map { "(\($0))" }.joined(separator: ", ")
    try connection.execute("\(insert) journal_lanes (lane) VALUES \(rows)")
    try connection.execute("\(insert) lane_leases (lane) VALUES \(rows)")
  }

  private func installation() throws -> String {
    try connection.query("SELECT id FROM installation WHERE one = 1").first?.text(0) ?? ""
  }

  private static func randomID() -> String {
    String((0..<8).compactMap { _ in "0123456789abcdefghijklmnopqrstuvwxyz".randomElement() })
  }

  private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }
}

extension SchemaMigrator {
  /// Seconds that one attempt waits, short enough for any read timeout, and the number of attempts.
  private static let lockWait: Int64 = 2
  private static let lockAttempts = 60

  /// Names of locks are the whole server's, at most 64 characters: the database's name goes in as a digest.
  private static let lockName = "CONCAT('palaver-schema-', MD5(DATABASE()))"

  private func withSchemaLock<Result>(_ body: () throws -> Result) throws -> Result {
    for _ in 0..<Self.lockAttempts {
      let rows = try connection.query("SELECT GET_LOCK(\(Self.lockName), ?)", [.integer(Self.lockWait)])
      guard rows.first?.integer(0) == 1 else { continue }
      // The lock ends with the connection, too.
      defer { _ = try? connection.query("SELECT RELEASE_LOCK(\(Self.lockName))") }
      return try body()
    }
    throw SQLError(kind: .conflict, code: 0, message: "Another server has been migrating the schema for too long")
  }
}
