import Testing

@testable import Drivers

/// Needs a server: PALAVER_TEST_MYSQL.
@Suite(.enabled(if: MySQLTestServer.isThere)) struct MySQLConnectionTests {
  @Test func valuesOfAllKindsRoundTrip() async throws {
    try await MySQLTestServer.withDatabase { url in
      let connection = try MySQLConnection(url)
      try connection.execute(
        "CREATE TABLE t (id INT PRIMARY KEY, n BIGINT NULL, b VARBINARY(300) NULL, l MEDIUMBLOB NULL, s TEXT NULL) "
          + "CHARSET utf8mb4")
      let texts = [
        "", ":(*@args, *%kwargs)", "👩‍👩‍👧‍👦 ねこ é", "a'b\\c\"d", "\0\n\u{1A}", String(repeating: "ü", count: 8_192),
        String(repeating: "x", count: 1_024), String(repeating: "y", count: 1_025),
      ]
      for (index, text) in texts.enumerated() {
        let short = text.utf8.count > 300 ? "" : text
        try connection.execute(
          "INSERT INTO t VALUES (?, ?, ?, ?, ?)",
          [.integer(Int64(index)), .integer(.min + Int64(index)), .text(short), .blob(Array(text.utf8)), .text(text)])
        let row = try #require(try connection.query("SELECT * FROM t WHERE id = ?", [.integer(Int64(index))]).first)
        #expect(
          row.values == [
            .integer(Int64(index)), .integer(.min + Int64(index)), .blob(Array(short.utf8)),
            .blob(Array(text.utf8)), .text(text),
          ])
        #expect(row.text(3) == text)
        // The text protocol reads the same.
        #expect(try connection.send("SELECT * FROM t WHERE id = \(index)").first?.first == row)
      }
      try connection.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", [99, .null, .null, .null, .null])
      let row = try #require(try connection.query("SELECT n, b, l, s, NULL FROM t WHERE id = 99").first)
      #expect(row.values == Array(repeating: .null, count: 5))
    }
  }

  @Test func columnsOfEveryTypeAreRead() async throws {
    let connection = try MySQLConnection(MySQLTestServer.url())
    let sql = """
      SELECT CAST(18446744073709551615 AS UNSIGNED), CAST(7 AS UNSIGNED), -1, 1.50, CAST(2.5 AS DOUBLE),
      CAST('2026-11-20' AS DATE), CAST('2026-11-20 01:02:03.004' AS DATETIME(3)), b'101', 'text', x'00ff', NOW(3) > 0
      """
    for row in [try connection.query(sql).first, try connection.send(sql).first?.first] {
      let row = try #require(row)
      #expect(row.text(0) == "18446744073709551615")
      #expect(row.integer(0) == nil)
      #expect(row.integer(1) == 7)
      #expect(row.integer(2) == -1)
      #expect(row.text(3) == "1.50")
      #expect(row.text(4).flatMap { Double($0) } == 2.5)
      #expect(row.text(5) == "2026-11-20")
      #expect(row.text(6)?.hasPrefix("2026-11-20 01:02:03.004") == true)
      #expect(row.values[8] == .text("text"))
      #expect(row.values[9] == .blob([0, 255]))
      #expect(row.integer(10) == 1)
    }
  }

  @Test func theSessionReadsWhatIsCommittedAndIsStrict() async throws {
    try await MySQLTestServer.withDatabase { url in
      let (one, other) = (try MySQLConnection(url), try MySQLConnection(url))
      try one.execute("CREATE TABLE t (id INT PRIMARY KEY, s VARBINARY(2))")
      #expect(throws: SQLError.self) { try one.execute("INSERT INTO t VALUES (1, 'long')") }
      try one.transaction {
        #expect(try one.query("SELECT * FROM t").isEmpty)
        try other.execute("INSERT INTO t VALUES (1, 'a')")
        #expect(try one.query("SELECT * FROM t").count == 1)
      }
    }
  }

  @Test func aTransactionThatThrowsLeavesNothing() async throws {
    try await MySQLTestServer.withDatabase { url in
      let connection = try MySQLConnection(url)
      try connection.execute("CREATE TABLE t (id INT PRIMARY KEY)")
      let error = #expect(throws: SQLError.self) {
        try connection.transaction {
          try connection.execute("INSERT INTO t VALUES (1)")
          try connection.execute("INSERT INTO t VALUES (1)")
        }
      }
      #expect(error?.kind == .duplicateKey)
      #expect(error?.code == 1062)
      #expect(!connection.isInTransaction)
      #expect(try connection.query("SELECT * FROM t").isEmpty)
    }
  }

  /// 1205 ends the statement alone: the row that was inserted before it must go as well.
  @Test func aLockThatIsNotGivenRollsAllBack() async throws {
    try await MySQLTestServer.withDatabase { url in
      var options = MySQLOptions()
      options.lockWaitTimeout = 1
      let (holder, waiter) = (try MySQLConnection(url), try MySQLConnection(url, options: options))
      try holder.execute("CREATE TABLE t (id INT PRIMARY KEY)")
      try holder.execute("INSERT INTO t VALUES (1)")
      try holder.transaction {
        _ = try holder.query("SELECT * FROM t WHERE id = 1 FOR UPDATE")
        let error = #expect(throws: SQLError.self) {
          try waiter.transaction {
            try waiter.execute("INSERT INTO t VALUES (2)")
            try waiter.execute("DELETE FROM t WHERE id = 1")
          }
        }
        #expect(error?.kind == .conflict)
      }
      #expect(try waiter.query("SELECT id FROM t").map { $0.integer(0) } == [1])
    }
  }

  /// What a client that was paused in the middle of a transaction would hold on to. MariaDB only.
  @Test func locksOfAnIdleTransactionAreLetGo() async throws {
    try await MySQLTestServer.withDatabase { url in
      var (brief, patient) = (MySQLOptions(), MySQLOptions())
      (brief.idleTransactionTimeout, patient.lockWaitTimeout) = (1, 20)
      let (paused, waiter) = (try MySQLConnection(url, options: brief), try MySQLConnection(url, options: patient))
      guard paused.isMariaDB else { return }
      try paused.execute("CREATE TABLE t (id INT PRIMARY KEY)")
      try paused.execute("INSERT INTO t VALUES (1)")
      _ = try paused.send("START TRANSACTION")
      _ = try paused.query("SELECT * FROM t WHERE id = 1 FOR UPDATE")
      #expect(try waiter.query("SELECT * FROM t WHERE id = 1 FOR UPDATE").count == 1)
      let error = #expect(throws: SQLError.self) { try paused.execute("DELETE FROM t") }
      #expect(error?.kind == .unavailable)
    }
  }

  @Test func statementsBeyondTheCachesBoundAreClosed() async throws {
    var options = MySQLOptions()
    options.statementCacheCapacity = 4
    let connection = try MySQLConnection(MySQLTestServer.url(), options: options)
    for number in 0..<20 { #expect(try connection.query("SELECT \(number)").first?.integer(0) == Int64(number)) }
    let open = try connection.query("SHOW SESSION STATUS LIKE 'Com_stmt_close'").first?.integer(1) ?? 0
    #expect(open >= 16)
  }

  @Test func aStatementOutlivesAChangeOfItsTable() async throws {
    try await MySQLTestServer.withDatabase { url in
      let connection = try MySQLConnection(url)
      try connection.execute("CREATE TABLE t (id INT PRIMARY KEY)")
      try connection.execute("INSERT INTO t VALUES (1)")
      #expect(try connection.query("SELECT * FROM t").first?.values.count == 1)
      try connection.execute("ALTER TABLE t ADD COLUMN s VARCHAR(9) NOT NULL DEFAULT 'x'")
      _ = try? connection.query("SELECT * FROM t")
      #expect(try connection.query("SELECT * FROM t").first?.values == [.integer(1), .text("x")])
    }
  }

  @Test func aKilledConnectionIsBrokenAndSaysSo() async throws {
    let (victim, killer) = (try MySQLConnection(MySQLTestServer.url()), try MySQLConnection(MySQLTestServer.url()))
    try killer.execute("KILL \(victim.threadID)")
    let error = #expect(throws: SQLError.self) { _ = try victim.query("SELECT 1") }
    #expect(error?.kind == .unavailable)
    #expect(victim.isBroken)
  }

  @Test func aWrongNumberOfValuesIsRefused() async throws {
    let connection = try MySQLConnection(MySQLTestServer.url())
    #expect(throws: SQLError.self) { _ = try connection.query("SELECT ?", []) }
    #expect(try connection.query("SELECT ?", [5]).first?.integer(0) == 5)
  }

  @Test func aRequestOfSeveralStatementsStopsAtTheFirstError() async throws {
    try await MySQLTestServer.withDatabase { url in
      var options = MySQLOptions()
      options.allowsMultipleStatements = true
      let connection = try MySQLConnection(url, options: options)
      let replies = try connection.send("CREATE TABLE t (id INT PRIMARY KEY); SELECT 1, 2; INSERT INTO t VALUES (1)")
      #expect(replies.map(\.count) == [0, 1, 0])
      #expect(throws: SQLError.self) {
        try connection.send("START TRANSACTION; INSERT INTO t VALUES (2); INSERT INTO t VALUES (2); COMMIT")
      }
      #expect(connection.isInTransaction)
      connection.rollBack()
      #expect(try connection.query("SELECT * FROM t").count == 1)
    }
  }

  @Test func theDurabilityOfThisServerIsReported() async throws {
    let findings = try MySQLDurability.findings(MySQLConnection(MySQLTestServer.url()))
    #expect(
      findings.map(\.name).prefix(4)
        == ["version", "innodb_flush_log_at_trx_commit", "max_allowed_packet", "transaction_isolation"])
    #expect(findings.filter { !$0.isOK }.isEmpty)
  }
}
