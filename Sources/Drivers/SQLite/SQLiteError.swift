import CSQLite

extension SQLError {
  /// From a result code (https://www.sqlite.org/rescode.html), extended or not.
  init(sqlite code: Int32, message: String) {
    self.init(kind: Self.kind(sqlite: code), code: Int(code), message: message)
  }

  /// `sqlite3_interrupt` or a deadline ended the statement.
  public var isSQLiteInterrupt: Bool { Int32(truncatingIfNeeded: code) & 0xFF == SQLITE_INTERRUPT }

  private static func kind(sqlite code: Int32) -> Kind {
    if code == duplicatePrimaryKey || code == duplicateUniqueKey || code == duplicateRowID { return .duplicateKey }
    // The primary result code is the low byte of the extended one.
    switch code & 0xFF {
    case SQLITE_BUSY, SQLITE_LOCKED: return .conflict
    case SQLITE_CANTOPEN, SQLITE_IOERR, SQLITE_FULL, SQLITE_READONLY, SQLITE_NOMEM, SQLITE_PROTOCOL:
      return .unavailable
    default: return .other
    }
  }

  // Macros with operators, which Swift does not import.
  private static let duplicatePrimaryKey = SQLITE_CONSTRAINT | (6 << 8)
  private static let duplicateUniqueKey = SQLITE_CONSTRAINT | (8 << 8)
  private static let duplicateRowID = SQLITE_CONSTRAINT | (10 << 8)
}
