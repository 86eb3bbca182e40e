import Drivers
import Foundation

extension SQLRoomStore {
  /// A range of the index of names for each spelling of the beginning: names are compared bytewise.
  public func users(beginningWith beginning: String, limit: Int) async throws -> [User] {
    let beginning = beginning.precomposedStringWithCanonicalMapping
    let spellings = Set([beginning, beginning.lowercased(), beginning.uppercased(), beginning.capitalized])
    let sql = """
      SELECT \(Self.userColumns) FROM users u WHERE u.name >= ? AND u.name < ? AND u.deleted_at IS NULL
      ORDER BY u.name LIMIT ?
      """
    return try await database.withReader { connection in
      var users: [User] = []
      for spelling in spellings {
        // No name of UTF-8 has this character: it is none.
        let end = spelling + "\u{10FFFF}"
        let rows = try connection.query(sql, [.text(spelling), .text(end), .integer(Int64(max(0, limit)))])
        users += try rows.map { try Self.user($0) }
      }
      let distinct = Dictionary(users.map { ($0.id, $0) }, uniquingKeysWith: { $1 }).values
      return Array(distinct.sorted { $0.name < $1.name }.prefix(limit))
    }
  }
}
