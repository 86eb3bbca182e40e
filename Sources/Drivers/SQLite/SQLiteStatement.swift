import CSQLite

/// A prepared statement of one connection.
@safe final class SQLiteStatement {
  let sql: String
  private let handle: OpaquePointer
  private let database: OpaquePointer
  /// What its cache knows of it: whether it is there, whether somebody uses it, and when it was last used.
  var isCached = false
  var isLent = false
  var lastUse: UInt64 = 0

  /// - Throws: `SQLError`, also if there is not exactly one statement in the text.
  init(_ sql: String, database: OpaquePointer) throws(SQLError) {
    self.sql = sql
    unsafe self.database = unsafe database
    var text = sql
    let (code, handle, hasMore) = text.withUTF8 { bytes in
      unsafe Self.prepare(bytes, database: database)
    }
    guard code == SQLITE_OK else { throw unsafe SQLError(sqlite: code, database: database) }
    guard let handle = unsafe handle else { throw SQLError(sqlite: SQLITE_MISUSE, message: "an empty statement") }
    unsafe self.handle = unsafe handle
    if hasMore { throw SQLError(sqlite: SQLITE_MISUSE, message: "more than one statement") }
  }

  deinit { unsafe sqlite3_finalize(handle) }

  private static let mayFollow: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: ";")]

  private static func prepare(_ bytes: UnsafeBufferPointer<UInt8>, database: OpaquePointer) -> (
    Int32, OpaquePointer?, Bool
  ) {
    guard let start = bytes.baseAddress, let count = Int32(exactly: bytes.count) else {
      return (SQLITE_TOOBIG, nil, false)
    }
    return unsafe start.withMemoryRebound(to: CChar.self, capacity: bytes.count) { text in
      var handle: OpaquePointer?
      var tail: UnsafePointer<CChar>?
      let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
      let code = unsafe sqlite3_prepare_v3(database, text, count, flags, &handle, &tail)
      let used = unsafe tail.map { unsafe $0 - text } ?? bytes.count
      let rest = unsafe bytes.dropFirst(used)
      let hasMore = unsafe rest.contains { !Self.mayFollow.contains($0) }
      return unsafe (code, handle, hasMore)
    }
  }

  func bind(_ parameters: [SQLValue]) throws(SQLError) {
    guard unsafe Int(sqlite3_bind_parameter_count(handle)) == parameters.count else {
      throw SQLError(sqlite: SQLITE_MISUSE, message: "\(parameters.count) parameters do not fit the statement")
    }
    for (index, parameter) in parameters.enumerated() {
      let code = bind(parameter, at: Int32(truncatingIfNeeded: index + 1))
      guard code == SQLITE_OK else { throw unsafe SQLError(sqlite: code, database: database) }
    }
  }

  private func bind(_ value: SQLValue, at index: Int32) -> Int32 {
    switch value {
    case .null: return unsafe sqlite3_bind_null(handle, index)
    case .integer(let integer): return unsafe sqlite3_bind_int64(handle, index, integer)
    case .text(var text):
      return text.withUTF8 { bytes in
        // A null pointer would bind NULL instead of the empty text.
        guard let start = bytes.baseAddress else {
          return unsafe palaver_sqlite_bind_text(handle, index, "", 0)
        }
        return unsafe start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
          unsafe palaver_sqlite_bind_text(handle, index, $0, sqlite3_uint64(bytes.count))
        }
      }
    case .blob(let blob):
      return unsafe blob.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress else { return unsafe sqlite3_bind_zeroblob(handle, index, 0) }
        return unsafe palaver_sqlite_bind_blob(handle, index, start, sqlite3_uint64(bytes.count))
      }
    }
  }

  /// Returns whether there is a row.
  func step() throws(SQLError) -> Bool {
    let code = unsafe sqlite3_step(handle)
    switch code {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default: throw unsafe SQLError(sqlite: code, database: database)
    }
  }

  /// Makes it ready to be bound again. Its last error was thrown already.
  func reset() {
    unsafe sqlite3_reset(handle)
    unsafe sqlite3_clear_bindings(handle)
  }

  var row: SQLRow {
    let count = unsafe sqlite3_data_count(handle)
    return SQLRow((0..<max(0, count)).map(value))
  }

  private func value(at column: Int32) -> SQLValue {
    switch unsafe sqlite3_column_type(handle, column) {
    case SQLITE_INTEGER: return .integer(unsafe sqlite3_column_int64(handle, column))
    // There is no floating point in the schema; computed ones (`bm25`) travel as text.
    case SQLITE_FLOAT: return .text("\(unsafe sqlite3_column_double(handle, column))")
    case SQLITE_TEXT: return .text(unsafe String(decoding: bytes(at: column), as: UTF8.self))
    case SQLITE_BLOB: return .blob(unsafe Array(bytes(at: column)))
    default: return .null
    }
  }

  /// Valid until the next step. `sqlite3_column_blob` leaves UTF-8 text as it is, NUL bytes included.
  private func bytes(at column: Int32) -> UnsafeRawBufferPointer {
    let start = unsafe sqlite3_column_blob(handle, column)
    let count = unsafe Int(sqlite3_column_bytes(handle, column))
    return unsafe UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count)
  }
}

extension SQLError {
  /// The connection's last error, in the library's words.
  init(sqlite code: Int32, database: OpaquePointer) {
    self.init(sqlite: code, message: unsafe String(cString: sqlite3_errmsg(database)))
  }
}
