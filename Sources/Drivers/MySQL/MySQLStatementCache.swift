/// Prepared statements by their text, at most so many; the one used longest ago makes room.
struct MySQLStatementCache {
  private var statements: [String: MySQLStatement] = [:]
  private var uses = 0
  private let capacity: Int

  init(capacity: Int) { self.capacity = max(1, capacity) }

  var count: Int { statements.count }

  mutating func statement(
    _ sql: String, prepare: (String) throws(SQLError) -> MySQLStatement
  ) throws(SQLError) -> MySQLStatement {
    uses &+= 1
    if let statement = statements[sql] {
      statement.lastUse = uses
      return statement
    }
    if statements.count >= capacity, let oldest = statements.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      statements[oldest.key] = nil
    }
    let statement = try prepare(sql)
    statement.lastUse = uses
    statements[sql] = statement
    return statement
  }

  mutating func remove(_ sql: String) { statements[sql] = nil }

  mutating func removeAll() { statements.removeAll() }
}
