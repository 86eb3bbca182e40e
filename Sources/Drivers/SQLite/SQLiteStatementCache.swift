/// The prepared statements of one connection by their text; the one used longest ago makes room.
///
/// A statement in use is lent to nobody else, so that a query inside of the same query's rows gets one of its own.
struct SQLiteStatementCache {
  private var statements: [String: SQLiteStatement] = [:]
  private var uses: UInt64 = 0
  let capacity: Int

  init(capacity: Int) { self.capacity = capacity }

  mutating func take(_ sql: String) -> SQLiteStatement? {
    guard let statement = statements[sql], !statement.isLent else { return nil }
    statement.isLent = true
    return statement
  }

  /// Takes a statement back, or one that was made meanwhile. Looks nothing up where it is known already.
  mutating func put(_ statement: SQLiteStatement) {
    uses &+= 1
    statement.lastUse = uses
    statement.isLent = false
    guard !statement.isCached, capacity > 0, statements[statement.sql] == nil else { return }
    if statements.count >= capacity, let oldest = statements.values.min(by: { $0.lastUse < $1.lastUse }) {
      oldest.isCached = false
      statements.removeValue(forKey: oldest.sql)
    }
    statement.isCached = true
    statements[statement.sql] = statement
  }

  mutating func removeAll() { statements.removeAll() }
}
