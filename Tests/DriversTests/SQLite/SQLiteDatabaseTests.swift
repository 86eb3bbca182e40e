import Foundation
import Testing

@testable import Drivers

@Suite struct SQLiteDatabaseTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func open(_ options: SQLiteOptions = SQLiteOptions()) async throws -> SQLiteDatabase {
    let database = try SQLiteDatabase(path: folder.file("a.db"), options: options)
    try await database.execute("CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, count INTEGER NOT NULL)")
    return database
  }

  @Test func concurrentTransactionsAllCount() async throws {
    let database = try await open()
    try await database.execute("INSERT INTO counts VALUES ('a', 0)")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<100 {
        group.addTask {
          try await database.withTransaction { connection in
            let count = try connection.query("SELECT count FROM counts").first?.integer(0) ?? -1
            try connection.execute("UPDATE counts SET count = ?", [.integer(count + 1)])
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try await database.query("SELECT count FROM counts").first?.integer(0) == 100)
    database.close()
  }

  @Test func aReaderSeesACommitThatWasAwaited() async throws {
    let database = try await open()
    for number in 0..<50 {
      try await database.execute("INSERT INTO counts VALUES (?, 1)", [.text("\(number)")])
      #expect(try await database.query("SELECT COUNT(*) FROM counts").first?.integer(0) == Int64(number + 1))
    }
    database.close()
  }

  @Test func aTransactionThatBodyLeftOpenIsGone() async throws {
    let database = try await open()
    try await database.withConnection { connection in
      try connection.execute("BEGIN IMMEDIATE")
      try connection.execute("INSERT INTO counts VALUES ('left', 1)")
    }
    #expect(try await database.withConnection { try $0.query("SELECT * FROM counts") }.isEmpty)
    database.close()
  }

  @Test func aBrokenConnectionIsReplaced() async throws {
    let database = try await open()
    await #expect(throws: SQLError.self) {
      try await database.withConnection { _ in throw SQLError(kind: .unavailable, code: 10, message: "disk I/O error") }
    }
    try await database.execute("INSERT INTO counts VALUES ('a', 1)")
    #expect(try await database.query("SELECT * FROM counts").count == 1)
    database.close()
  }

  @Test func aClosedDatabaseRefuses() async throws {
    let database = try await open()
    database.close()
    await #expect(throws: SQLError.self) { try await database.query("SELECT 1") }
  }

  @Test func whatWasCommittedOutlivesAKilledProcess() async throws {
    let database = try await open()
    try await database.execute("INSERT INTO counts VALUES ('a', 1)")
    // What a killed process leaves behind: the files as they are, the log not checkpointed.
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: folder.file("a.db\(suffix)"), toPath: folder.file("killed.db\(suffix)"))
    }
    let reopened = try SQLiteConnection(path: folder.file("killed.db"))
    #expect(try reopened.query("SELECT name FROM counts", []).first?.text(0) == "a")
    #expect(try reopened.query("PRAGMA synchronous", []).first?.integer(0) == 2)
    database.close()
  }

  /// A connection's cache is filled with all that it ever touches, up to this.
  @Test func aConnectionKeepsNoMorePagesThanItIsGiven() throws {
    let connection = try SQLiteConnection(path: folder.file("small.db"))
    #expect(try connection.query("PRAGMA cache_size").first?.integer(0) == -2_048, "KiB")
  }

  @Test func aDataFolderIsHeldByOne() throws {
    let path = folder.file("data")
    let held = try DataFolder(path: path)
    #expect(throws: DataFolder.Occupied.self) { _ = try DataFolder(path: path) }
    #expect(held.databasePath == path + "/palaver.db")
    withExtendedLifetime(held) {}
  }

  @Test func aDataFolderIsFreeAgainAfterItsHolder() throws {
    let path = folder.file("data")
    do { _ = try DataFolder(path: path) }
    _ = try DataFolder(path: path)
  }

  @Test func statementsAreKeptUpToABound() throws {
    let connection = try SQLiteConnection(path: folder.file("b.db"), options: SQLiteOptions(statements: 4))
    for number in 0..<20 { #expect(try connection.query("SELECT \(number)", []).first?.integer(0) == Int64(number)) }
  }
}
