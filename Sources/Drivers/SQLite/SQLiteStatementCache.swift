/// The prepared statements of one connection by their text; the one used longest ago makes room.
///
/// A statement in use is not in the cache, so that a query inside of the same query's rows gets one of its own.
struct SQLiteStatementCache {
  private struct Entry {
    var statement: SQLiteStatement
    var lastUse: UInt64
  }

  private var entries: [String: Entry] = [:]
  private var uses: UInt64 = 0
  let capacity: Int

  init(capacity: Int) { self.capacity = capacity }

  mutating func take(_ sql: String) -> SQLiteStatement? { entries.removeValue(forKey: sql)?.statement }

  mutating func put(_ statement: SQLiteStatement) {
    if entries.count >= capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      entries.removeValue(forKey: oldest.key)
    }
    uses &+= 1
    if capacity > 0 { entries[statement.sql] = Entry(statement: statement, lastUse: uses) }
  }

  mutating func removeAll() { entries.removeAll() }
}
