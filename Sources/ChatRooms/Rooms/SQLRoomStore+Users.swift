import Drivers

extension SQLRoomStore {
  static let userColumns = "u.id, u.name, u.display_name, u.created_at"

  /// Reads `userColumns`, beginning at a column.
  static func user(_ row: SQLRow, at column: Int = 0) throws -> User {
    guard let id = row.integer(column), let name = row.text(column + 1), let createdAt = row.integer(column + 3) else {
      throw UnreadableRow(table: "users")
    }
    return User(id: id, name: name, displayName: row.text(column + 2), createdAt: createdAt)
  }

  public func createUser(name: String, displayName: String?) async throws -> User {
    let name = try UserName.validated(name)
    let displayName = try UserName.validatedDisplayName(displayName)
    do {
      return try await insertUser(name: name, displayName: displayName)
    } catch let error as SQLError where error.kind == .duplicateKey {
      throw ChatError(409, "user_exists", "A user named \(name) exists, or existed once.", parameter: "name")
    }
  }

  private func insertUser(name: String, displayName: String?) async throws -> User {
    let createdAt = now()
    return try await database.withTransaction { connection in
      let result = try connection.execute(
        "INSERT INTO users (name, display_name, created_at) VALUES (?, ?, ?)",
        [.text(name), .optional(displayName), .integer(createdAt)])
      return User(id: result.lastInsertID, name: name, displayName: displayName, createdAt: createdAt)
    }
  }

  public func ensureUser(name: String) async throws -> User {
    let name = try UserName.validated(name)
    if let user = try await liveUser(named: name) { return user }
    do {
      return try await insertUser(name: name, displayName: nil)
    } catch let error as SQLError where error.kind == .duplicateKey {
      // Another call was faster.
      if let user = try await liveUser(named: name) { return user }
      throw error
    }
  }

  /// - Throws: `ChatError` 403 `user_deleted`.
  private func liveUser(named name: String) async throws -> User? {
    let rows = try await database.query(
      "SELECT \(Self.userColumns), u.deleted_at FROM users u WHERE u.name = ?", [.text(name)])
    guard let row = rows.first else { return nil }
    if row.integer(4) != nil { throw ChatError(403, "user_deleted", "User \(name) was deleted.", parameter: "user") }
    return try Self.user(row)
  }

  public func user(named name: String) async throws -> User? {
    guard let name = try? UserName.validated(name) else { return nil }
    return try await names.value(for: name)
  }

  /// A row that cannot be read leaves its name without a value, which is that caller's failure alone.
  static func readUsers(_ names: [String], _ connection: any SQLConnection) throws -> [String: User?] {
    let distinct = Array(Set(names))
    let filled = distinct.filledToPowerOfTwo()
    let rows = try connection.query(
      "SELECT \(userColumns) FROM users u WHERE u.name IN (\(SQLDialect.placeholders(filled.count))) "
        + "AND u.deleted_at IS NULL", filled.map(SQLValue.text))
    var found = Dictionary(uniqueKeysWithValues: distinct.map { ($0, User?.none) })
    for row in rows {
      guard let name = row.text(1) else { throw UnreadableRow(table: "users") }
      found[name] = (try? user(row)).map(Optional.some)
    }
    return found
  }

  static func user(named name: String, _ connection: any SQLConnection) throws -> User? {
    let sql = "SELECT \(userColumns) FROM users u WHERE u.name = ? AND u.deleted_at IS NULL"
    return try connection.query(sql, [.text(name)]).first.map { try user($0) }
  }

  /// Deleted users are missing in the result. Rising by id.
  public func users(ids: [UserID]) async throws -> [User] {
    let ids = Set(ids).sorted()
    return try await database.withReader { connection in
      var users: [User] = []
      for start in stride(from: 0, to: ids.count, by: Self.idsAtOnce) {
        let slice = ids[start..<min(start + Self.idsAtOnce, ids.count)].map(SQLValue.integer)
        // Filled up, so that there is one text of the statement.
        let filled = slice + Array(repeating: .integer(0), count: Self.idsAtOnce - slice.count)
        users += try connection.query(Self.usersByID, filled).map { try Self.user($0) }
      }
      return users
    }
  }

  private static let idsAtOnce = 128
  private static let usersByID =
    "SELECT \(userColumns) FROM users u WHERE u.id IN (\(SQLDialect.placeholders(idsAtOnce))) "
    + "AND u.deleted_at IS NULL ORDER BY u.id"

  public func users(after: UserID, limit: Int) async throws -> [User] {
    let sql = "SELECT \(Self.userColumns) FROM users u WHERE u.id > ? AND u.deleted_at IS NULL ORDER BY u.id LIMIT ?"
    let rows = try await database.query(sql, [.integer(after), .integer(Int64(max(0, limit)))])
    return try rows.map { try Self.user($0) }
  }

  public func updateUser(_ user: User, displayName: String?) async throws -> User {
    let displayName = try UserName.validatedDisplayName(displayName)
    return try await database.withTransaction { connection in
      try connection.execute(
        "UPDATE users SET display_name = ? WHERE id = ? AND deleted_at IS NULL",
        [.optional(displayName), .integer(user.id)])
      guard let updated = try Self.user(named: user.name, connection) else { throw ChatError.userNotFound(user.name) }
      return updated
    }
  }

  public func deleteUser(_ user: User, messages fate: MessageFate) async throws {
    let time = now()
    try await database.withTransaction { connection in
      try connection.execute(
        "UPDATE users SET deleted_at = ?, display_name = NULL WHERE id = ? AND deleted_at IS NULL",
        [.integer(time), .integer(user.id)])
      // Memberships were ended by events before; what is left here are ones that a race brought back.
      try connection.execute("DELETE FROM members WHERE user_id = ?", [.integer(user.id)])
      guard fate != .keep else { return }
      try connection.execute(
        "\(connection.dialect.insertOrIgnore) erasures (user_id, user_name, mode, requested_at) VALUES (?, ?, ?, ?)",
        [.integer(user.id), .text(user.name), .integer(Int64(fate.rawValue)), .integer(time)])
    }
  }

  /// Both databases go on counting ids where they stood (InnoDB's counter and `AUTOINCREMENT` outlive the rows).
  @discardableResult
  public func deleteAllUsers() async throws -> UserID {
    try await database.withTransaction { connection in
      let last = try connection.query("SELECT MAX(id) FROM users").first?.integer(0) ?? 0
      try connection.execute("DELETE FROM members")
      try connection.execute("DELETE FROM users")
      return last
    }
  }
}
