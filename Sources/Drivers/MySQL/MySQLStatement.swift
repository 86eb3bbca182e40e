import CMariaDB

/// A server-side prepared statement of one connection (the binary protocol).
@safe final class MySQLStatement {
  private let handle: UnsafeMutablePointer<MYSQL_STMT>
  private let parameterCount: Int
  private let columns: [MySQLColumn]
  /// `nil` where the statement returns no rows.
  private let results: MySQLResultBuffers?
  /// Rises with use; the cache drops the lowest.
  var lastUse = 0

  init(_ sql: String, on connection: UnsafeMutablePointer<MYSQL>) throws(SQLError) {
    guard let handle = unsafe mysql_stmt_init(connection) else {
      throw SQLError(mysqlCode: Int(CR_OUT_OF_MEMORY), message: "No memory for a prepared statement")
    }
    var sql = sql
    let isPrepared = sql.withUTF8 { text in
      unsafe text.withMemoryRebound(to: CChar.self) {
        unsafe mysql_stmt_prepare(handle, $0.baseAddress, UInt($0.count)) == 0
      }
    }
    guard isPrepared else {
      let error = unsafe Self.error(of: handle)
      _ = unsafe mysql_stmt_close(handle)
      throw error
    }
    unsafe self.handle = handle
    parameterCount = Int(unsafe mysql_stmt_param_count(handle))
    columns = unsafe Self.columns(of: handle)
    results = columns.isEmpty ? nil : MySQLResultBuffers(columns)
  }

  deinit { _ = unsafe mysql_stmt_close(handle) }

  func run(_ parameters: [SQLValue]) throws(SQLError) -> (rows: [SQLRow], result: SQLResult) {
    guard parameters.count == parameterCount else {
      throw .misuse("The statement has \(parameterCount) placeholders, \(parameters.count) values came")
    }
    let arguments = MySQLArguments(parameters)
    let hasExecuted = withExtendedLifetime(arguments) {
      if !arguments.isEmpty, unsafe mysql_stmt_bind_param(handle, arguments.binds) != 0 { return false }
      return unsafe mysql_stmt_execute(handle) == 0
    }
    guard hasExecuted else { throw error }
    defer { _ = unsafe mysql_stmt_free_result(handle) }
    let rows = try fetchAll()
    let result = SQLResult(
      affectedRows: Int64(truncatingIfNeeded: unsafe mysql_stmt_affected_rows(handle)),
      lastInsertID: Int64(truncatingIfNeeded: unsafe mysql_stmt_insert_id(handle)))
    return (rows, result)
  }

  /// Executes the statement with each row, in one request.
  func run(_ rows: MySQLRows) throws(SQLError) {
    guard rows.columns.count == parameterCount, rows.isComplete, let count = UInt32(exactly: rows.count), count > 0
    else {
      throw .misuse("The statement has \(parameterCount) placeholders, which some row does not fill")
    }
    let arguments = MySQLRowArguments(rows)
    // The number of rows must be known when they are bound, and must not stay for `run(_:)`.
    defer { setRowCount(0) }
    let hasExecuted = withExtendedLifetime(arguments) {
      setRowCount(count)
      return unsafe mysql_stmt_bind_param(handle, arguments.binds) == 0 && mysql_stmt_execute(handle) == 0
    }
    guard hasExecuted else { throw error }
  }

  private func setRowCount(_ count: UInt32) {
    var count = count
    _ = unsafe mysql_stmt_attr_set(handle, STMT_ATTR_ARRAY_SIZE, &count)
  }

  private func fetchAll() throws(SQLError) -> [SQLRow] {
    guard Int(unsafe mysql_stmt_field_count(handle)) == columns.count else {
      throw .misuse("The columns of a prepared statement have changed")
    }
    guard let results else { return [] }
    guard unsafe mysql_stmt_bind_result(handle, results.binds) == 0 else { throw error }
    var rows: [SQLRow] = []
    while true {
      switch unsafe mysql_stmt_fetch(handle) {
      case 0, MYSQL_DATA_TRUNCATED:
        rows.append(try row(from: results))
      case MYSQL_NO_DATA: return rows
      default: throw error
      }
    }
  }

  private func row(from results: MySQLResultBuffers) throws(SQLError) -> SQLRow {
    var values: [SQLValue] = []
    values.reserveCapacity(columns.count)
    for (index, column) in columns.enumerated() {
      if let value = results.value(at: index, column) {
        values.append(value)
      } else {
        values.append(column.decoded(try longValue(at: index, length: results.length(at: index))))
      }
    }
    return SQLRow(values)
  }

  /// Fetches again what was longer than the column's buffer.
  private func longValue(at index: Int, length: Int) throws(SQLError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: length)
    let isFetched = unsafe bytes.withUnsafeMutableBytes { buffer in
      var bind = unsafe MYSQL_BIND()
      unsafe bind.buffer_type = MYSQL_TYPE_BLOB
      unsafe bind.buffer = buffer.baseAddress
      unsafe bind.buffer_length = UInt(buffer.count)
      return unsafe mysql_stmt_fetch_column(handle, &bind, UInt32(index), 0) == 0
    }
    guard isFetched else { throw error }
    return bytes
  }

  private var error: SQLError { unsafe Self.error(of: handle) }

  private static func error(of handle: UnsafeMutablePointer<MYSQL_STMT>) -> SQLError {
    SQLError(
      mysqlCode: Int(unsafe mysql_stmt_errno(handle)), message: unsafe String(cString: mysql_stmt_error(handle)))
  }

  private static func columns(of handle: UnsafeMutablePointer<MYSQL_STMT>) -> [MySQLColumn] {
    guard let metadata = unsafe mysql_stmt_result_metadata(handle) else { return [] }
    defer { unsafe mysql_free_result(metadata) }
    return unsafe MySQLMetadata.columns(of: metadata)
  }
}
