import Foundation
import Testing

@testable import Drivers

@Suite struct SQLiteConnectionTests {
  let folder: TemporaryFolder
  let connection: SQLiteConnection

  init() throws {
    folder = try TemporaryFolder()
    connection = try SQLiteConnection(path: folder.file("a.db"))
    try connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, bytes BLOB)")
  }

  @Test(arguments: [
    SQLValue.null, 0, .integer(.min), .integer(.max), "", "a\u{0}b", "naïve 東京 😀", .blob([]), .blob([0, 255, 1]),
  ])
  func everyValueComesBackAsItWent(value: SQLValue) throws {
    #expect(try connection.query("SELECT ?", [value]).first?.values == [value])
  }

  @Test func aLongTextComesBack() throws {
    let text = String(repeating: "é", count: 1_000_000)
    #expect(try connection.query("SELECT ?", [.text(text)]).first?.text(0) == text)
  }

  @Test func bytesThatAreNoUTF8AreReadWithoutATrap() throws {
    let rows = try connection.query("SELECT CAST(X'61FF62' AS TEXT), 1.5")
    #expect(rows.first?.text(0) == "a\u{FFFD}b")
    #expect(rows.first?.text(1) == "1.5")
  }

  @Test func aDuplicateIsToldApartFromOtherConstraints() throws {
    try connection.execute("INSERT INTO things (name) VALUES ('a')")
    #expect(throws: SQLError.self) { try connection.execute("INSERT INTO things (name) VALUES ('a')") }
    #expect(kind { try connection.execute("INSERT INTO things (name) VALUES ('a')") } == .duplicateKey)
    #expect(kind { try connection.execute("INSERT INTO things (id) VALUES (1)") } == .duplicateKey)
    try connection.execute("CREATE TABLE full (x TEXT NOT NULL)")
    #expect(kind { try connection.execute("INSERT INTO full VALUES (NULL)") } == .other)
  }

  @Test(arguments: ["", "SELEC", "SELECT 1; SELECT 2", "SELECT ?", "SELECT * FROM nowhere"])
  func whatCannotRunIsAnError(sql: String) {
    #expect(kind { try connection.query(sql, []) } == .other)
  }

  @Test func aResultCountsRowsAndTellsTheID() throws {
    let first = try connection.execute("INSERT INTO things (name) VALUES ('a'), ('b')")
    #expect(first == SQLResult(affectedRows: 2, lastInsertID: 2))
    #expect(try connection.execute("DELETE FROM things").affectedRows == 2)
    #expect(try connection.execute("INSERT INTO things (name) VALUES ('c')").lastInsertID == 3)
  }

  @Test func aThrownErrorRollsBack() throws {
    struct Failure: Error {}
    #expect(throws: Failure.self) {
      try connection.transaction {
        try connection.execute("INSERT INTO things (name) VALUES ('a')")
        throw Failure()
      }
    }
    #expect(!connection.isInTransaction)
    #expect(try connection.query("SELECT COUNT(*) FROM things").first?.integer(0) == 0)
  }

  @Test func aQueryInsideOfTheSameQueryHasItsOwnRows() throws {
    var pairs = 0
    try connection.forEachRow("SELECT value FROM json_each('[1,2,3]')", []) { _ in
      pairs += try connection.query("SELECT value FROM json_each('[1,2,3]')", []).count
      return true
    }
    #expect(pairs == 9)
  }

  @Test func aDeadlineEndsAStatement() throws {
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n"
    do {
      try connection.withDeadline(.now + .milliseconds(20)) { _ = try connection.query(endless, []) }
      Issue.record("it ended")
    } catch let error as SQLError {
      #expect(error.isSQLiteInterrupt)
    }
    #expect(try connection.query("SELECT 1", []).count == 1)
  }

  @Test func aFunctionIsKnownToStatements() throws {
    let function = SQLiteFunction(name: "begins") { $0.hasPrefix($1) }
    let connection = try SQLiteConnection(path: folder.file("b.db"), options: SQLiteOptions(functions: [function]))
    #expect(try connection.query("SELECT begins('東京都', '東'), begins(NULL, 'x')", []).first?.values == [1, 0])
  }

  @Test func aWriterThatWaitsTooLongIsAConflict() throws {
    let other = try SQLiteConnection(path: folder.file("a.db"), options: SQLiteOptions(busyTimeout: 1))
    try connection.transaction {
      #expect(kind { try other.transaction {} } == .conflict)
    }
  }

  @Test func aReaderSeesWhatWasCommittedAndCannotWrite() throws {
    let reader = try SQLiteConnection(path: folder.file("a.db"), access: .readOnly)
    try connection.transaction {
      try connection.execute("INSERT INTO things (name) VALUES ('a')")
      #expect(try reader.query("SELECT * FROM things", []).isEmpty)
    }
    #expect(try reader.query("SELECT * FROM things", []).count == 1)
    #expect(throws: SQLError.self) { try reader.execute("DELETE FROM things", []) }
  }

  @Test func whatIsNoDatabaseIsRefused() throws {
    try Data(repeating: 0x41, count: 8_192).write(to: URL(fileURLWithPath: folder.file("c.db")))
    #expect(kind { _ = try SQLiteConnection(path: folder.file("c.db")) } == .other)
    #expect(kind { _ = try SQLiteConnection(path: folder.file("no/such/folder.db")) } == .unavailable)
  }

  @Test func aDamagedPageIsAnErrorAndNoTrap() throws {
    try connection.transaction {
      for number in 0..<2_000 {
        try connection.execute("INSERT INTO things (name) VALUES (?)", [.text("name \(number)")])
      }
    }
    try connection.query("PRAGMA wal_checkpoint(TRUNCATE)", [])
    var bytes = try Data(contentsOf: URL(fileURLWithPath: folder.file("a.db")))
    for index in 8_192..<min(bytes.count, 40_960) { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
    try bytes.write(to: URL(fileURLWithPath: folder.file("damaged.db")))
    let damaged = try SQLiteConnection(path: folder.file("damaged.db"))
    #expect(throws: SQLError.self) { try damaged.query("SELECT id, name, bytes FROM things ORDER BY name", []) }
  }
}

/// The kind of the error that `body` throws.
private func kind<Result>(_ body: () throws -> Result) -> SQLError.Kind? {
  do {
    _ = try body()
    return nil
  } catch { return (error as? SQLError)?.kind }
}
