/// Something that was looked up, and what it should be.
public struct MySQLFinding: Sendable, Equatable {
  /// The setting's name as the server has it.
  public var name: String
  public var found: String
  public var wanted: String
  public var isOK: Bool
}

/// The settings of a server on which the journal's durability rests.
public enum MySQLDurability {
  /// The longest request that the journal sends, in bytes.
  public static let requestBytes: Int64 = 16 << 20

  public static func findings(_ connection: any SQLConnection) throws -> [MySQLFinding] {
    let version = try connection.query("SELECT VERSION()").first?.text(0) ?? "unknown"
    var findings = [
      self.version(version),
      try setting("innodb_flush_log_at_trx_commit", wanted: "1", connection),
      try packet(connection), try isolation(connection),
    ]
    if try value("log_bin", connection).map(isOn) ?? false {
      findings.append(try setting("sync_binlog", wanted: "1", connection))
      // A binlog of statements refuses READ COMMITTED (error 1665).
      let format = try value("binlog_format", connection) ?? "ROW"
      findings.append(
        MySQLFinding(name: "binlog_format", found: format, wanted: "ROW or MIXED", isOK: format != "STATEMENT"))
    }
    return findings
  }

  /// SKIP LOCKED came with MariaDB 10.6 and MySQL 8.0.
  static func version(_ text: String) -> MySQLFinding {
    let isMariaDB = text.contains("MariaDB")
    let numbers = text.split(whereSeparator: { !$0.isASCII || !$0.isNumber }).prefix(2).compactMap { Int($0) }
    let oldest = isMariaDB ? [10, 6] : [8, 0]
    return MySQLFinding(
      name: "version", found: text, wanted: "MariaDB 10.6 or MySQL 8.0, or later",
      isOK: numbers.count == 2 && !numbers.lexicographicallyPrecedes(oldest))
  }

  private static func setting(
    _ name: String, wanted: String, _ connection: any SQLConnection
  ) throws -> MySQLFinding {
    let found = try value(name, connection) ?? "unknown"
    return MySQLFinding(name: name, found: found, wanted: wanted, isOK: found == wanted)
  }

  private static func packet(_ connection: any SQLConnection) throws -> MySQLFinding {
    let found = try value("max_allowed_packet", connection) ?? "unknown"
    return MySQLFinding(
      name: "max_allowed_packet", found: found, wanted: "at least \(requestBytes)",
      isOK: (Int64(found) ?? 0) >= requestBytes)
  }

  /// The session's, as `MySQLConnection` has set it: a proxy in between may have dropped that.
  private static func isolation(_ connection: any SQLConnection) throws -> MySQLFinding {
    let rows = try connection.query(
      "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')")
    let found = rows.first?.text(1) ?? "unknown"
    return MySQLFinding(
      name: "transaction_isolation", found: found, wanted: "READ-COMMITTED", isOK: found == "READ-COMMITTED")
  }

  private static func value(_ name: String, _ connection: any SQLConnection) throws -> String? {
    try connection.query("SHOW GLOBAL VARIABLES WHERE Variable_name = '\(name)'").first?.text(1)
  }

  private static func isOn(_ value: String) -> Bool { value == "ON" || value == "1" }
}
