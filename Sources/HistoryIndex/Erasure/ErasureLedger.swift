import ChatRooms
import Drivers
import Foundation

/// The table `erasures`: what is to be erased, who does it, and what is done. `RoomStore.deleteUser` adds to it.
public struct ErasureLedger: Sendable {
  private let database: any SQLDatabase
  private let now: @Sendable () -> Milliseconds

  public init(
    _ database: any SQLDatabase,
    now: @escaping @Sendable () -> Milliseconds = { Milliseconds(Date().timeIntervalSince1970 * 1_000) }
  ) {
    self.database = database
    self.now = now
  }

  /// The erasure of a user of that name; `nil` if there is none.
  public func erasure(of name: String) async throws -> Erasure? {
    // Names may be given again only where all users were deleted; the newest is meant then.
    try await database.query(
      "SELECT \(Erasure.columns) FROM erasures WHERE user_name = ? ORDER BY user_id DESC LIMIT 1", [.text(name)]
    ).first.flatMap(Erasure.init)
  }

  /// For a user who was deleted before, and whose messages stayed.
  ///
  /// - Returns: the erasure, which may be an earlier one; `nil` if no user of that name was deleted.
  public func request(_ name: String, _ fate: MessageFate) async throws -> Erasure? {
    let time = self.now()
    let isKnown = try await database.withTransaction { connection in
      let rows = try connection.query(
        "SELECT id FROM users WHERE name = ? AND deleted_at IS NOT NULL", [.text(name)])
      guard let id = rows.first?.integer(0) else { return false }
      try connection.execute(
        "\(connection.dialect.insertOrIgnore) erasures (user_id, user_name, mode, requested_at) VALUES (?, ?, ?, ?)",
        [.integer(id), .text(name), .integer(Int64(fate.rawValue)), .integer(time)])
      return true
    }
    return isKnown ? try await erasure(of: name) : nil
  }

  /// In the order in which they were asked for.
  func unfinished() async throws -> [Erasure] {
    try await database.query(
      "SELECT \(Erasure.columns) FROM erasures WHERE finished_at IS NULL ORDER BY requested_at, user_id LIMIT 1000"
    ).compactMap(Erasure.init)
  }

  /// Takes or renews the right to carry it out. Two who have it, because their clocks differ, do no harm: see
  /// `LaneBatch.withdraw`.
  ///
  /// - Returns: false if another server has it, or it is finished.
  func lease(_ erasure: Erasure, owner: String, for time: Milliseconds) async throws -> Bool {
    let present = self.now()
    return try await database.withTransaction { connection in
      let rows = try connection.query(
        "SELECT owner, leased_until, finished_at FROM erasures WHERE user_id = ?" + connection.dialect.forUpdate,
        [.integer(erasure.user)])
      guard let row = rows.first, row.integer(2) == nil else { return false }
      guard row.text(0) == owner || row.integer(1) ?? 0 <= present else { return false }
      try connection.execute(
        "UPDATE erasures SET owner = ?, leased_until = ? WHERE user_id = ?",
        [.text(owner), .integer(present + time), .integer(erasure.user)])
      return true
    }
  }

  /// Lets others go on with it at once.
  func release(_ erasure: Erasure, owner: String) async throws {
    try await database.execute(
      "UPDATE erasures SET leased_until = 0 WHERE user_id = ? AND owner = ?", [.integer(erasure.user), .text(owner)])
  }

  /// Adds to what the erasure has changed.
  func count(_ messages: Int, of erasure: Erasure) async throws {
    try await database.execute(
      "UPDATE erasures SET messages = messages + ? WHERE user_id = ?",
      [.integer(Int64(messages)), .integer(erasure.user)])
  }

  /// Nothing of it is left to be done. Memberships that a race brought back go too.
  func finish(_ erasure: Erasure) async throws {
    let present = self.now()
    try await database.withTransaction { connection in
      try connection.execute("DELETE FROM members WHERE user_id = ?", [.integer(erasure.user)])
      try connection.execute(
        "UPDATE erasures SET finished_at = ?, owner = NULL, leased_until = 0 WHERE user_id = ? AND finished_at IS NULL",
        [.integer(present), .integer(erasure.user)])
    }
  }

  /// Everything is looked for once more: a database or an index was put back to an earlier state.
  static func repeatAll(_ connection: any SQLConnection) throws {
    try connection.execute("UPDATE erasures SET finished_at = NULL, leased_until = 0")
  }

  /// As above. Returns how many there are.
  public func repeatAll() async throws -> Int64 {
    try await database.withTransaction { connection in
      try Self.repeatAll(connection)
      return try connection.query("SELECT COUNT(*) FROM erasures").first?.integer(0) ?? 0
    }
  }
}
