import ChatRooms
import Drivers
import Foundation

/// The tables by which an import goes on where it stood: `imports`, and the rooms that it holds.
public struct ImportLedger: Sendable {
  let database: any SQLDatabase

  public init(database: any SQLDatabase) { self.database = database }

  /// Begins an import, or goes on with one of the same source.
  public func begin(source: String) async throws -> ImportProgress {
    let now = Milliseconds(Date().timeIntervalSince1970 * 1_000)
    return try await database.withTransaction { connection in
      if let begun = try Self.progress(of: source, locking: true, on: connection) { return begun }
      let result = try connection.execute(
        "INSERT INTO imports (source, started_at) VALUES (?, ?)", [.text(source), .integer(now)])
      return ImportProgress(id: result.lastInsertID)
    }
  }

  /// `nil` if this source was never imported.
  func progress(of source: String) async throws -> ImportProgress? {
    try await database.withConnection { try Self.progress(of: source, locking: false, on: $0) }
  }

  private static func progress(
    of source: String, locking: Bool, on connection: any SQLConnection
  ) throws -> ImportProgress? {
    let rows = try connection.query(
      "SELECT id, done_bytes, done_lines, imported, rejected FROM imports WHERE source = ?"
        + (locking ? connection.dialect.forUpdate : ""), [.text(source)])
    guard let row = rows.first else { return nil }
    let numbers = (0..<5).map { row.integer($0) ?? 0 }
    return ImportProgress(
      id: numbers[0], bytes: numbers[1], lines: numbers[2], imported: numbers[3], rejected: numbers[4])
  }

  /// An import of the source that read all of it; `nil` if there was none.
  func finished(source: String) async throws -> ImportProgress? {
    let rows = try await database.query(
      "SELECT 1 FROM imports WHERE source = ? AND finished_at IS NOT NULL", [.text(source)])
    return rows.isEmpty ? nil : try await progress(of: source)
  }

  /// The next import of its source begins at its beginning.
  func forget(_ id: Int64) async throws {
    try await database.execute("DELETE FROM imports WHERE id = ?", [.integer(id)])
  }

  /// Makes the import the only one who adds to the room, until `finish`. Returns where the room stands.
  ///
  /// - Throws: `ImportRefusal` if another import holds the room, or it is gone.
  func claim(_ room: Room, for id: Int64) async throws -> RoomPosition {
    try await database.withTransaction { connection in
      let rows = try connection.query(
        "SELECT epoch, last_event, last_seq, last_message_at, import_id, is_closed FROM room_positions "
          + "WHERE room_id = ?" + connection.dialect.forUpdate, [.integer(room.id)])
      guard let row = rows.first, row.integer(5) == 0 else { throw ImportRefusal("room \(room.id) was deleted") }
      if let holder = row.integer(4), holder != id {
        throw ImportRefusal(
          "room '\(room.name ?? String(room.id))' belongs to import \(holder), which has not ended; run that one again")
      }
      try connection.execute(
        "UPDATE room_positions SET import_id = ? WHERE room_id = ?", [.integer(id), .integer(room.id)])
      return RoomPosition(
        epoch: row.text(0) ?? "", lastEvent: row.integer(1) ?? 0, lastSeq: row.integer(2) ?? 0,
        lastMessageAt: row.integer(3))
    }
  }

  /// Within a transaction of the caller's.
  static func record(
    _ progress: ImportProgress, rooms: [RoomID: RoomPosition], changes: [RoomID: [RoomChange]],
    on connection: any SQLConnection
  ) throws {
    for (room, changes) in changes.sorted(by: { $0.key < $1.key }) { try record(changes, of: room, on: connection) }
    // In one order everywhere, so that no two transactions wait for each other.
    for (room, position) in rooms.sorted(by: { $0.key < $1.key }) {
      try connection.execute(
        "UPDATE room_positions SET last_event = ?, last_seq = ?, last_message_at = ? WHERE room_id = ?",
        [
          .integer(position.lastEvent), .integer(position.lastSeq), .optional(position.lastMessageAt), .integer(room),
        ])
    }
    try connection.execute(
      "UPDATE imports SET done_bytes = ?, done_lines = ?, imported = ?, rejected = ? WHERE id = ?",
      [
        .integer(progress.bytes), .integer(progress.lines), .integer(progress.imported), .integer(progress.rejected),
        .integer(progress.id),
      ])
  }

  /// Rows of one statement.
  private static let changesAtOnce = 100

  private static func record(_ changes: [RoomChange], of room: RoomID, on connection: any SQLConnection) throws {
    var rest = changes[...]
    while !rest.isEmpty {
      // Two lengths, so that there are two texts of the statement.
      let part = rest.prefix(rest.count >= changesAtOnce ? changesAtOnce : 1)
      rest = rest.dropFirst(part.count)
      let rows = Array(repeating: "(?, ?, ?, ?, ?)", count: part.count).joined(separator: ", ")
      try connection.execute(
        "INSERT INTO room_changes (room_id, event, seq, kind, last_seq) VALUES \(rows)",
        part.flatMap { change -> [SQLValue] in
          [
            .integer(room), .integer(change.event), .integer(change.seq), .integer(Int64(change.kind.rawValue)),
            .integer(change.lastSeq),
          ]
        })
    }
  }

  func record(_ checkpoint: ImportCheckpoint) async throws {
    try await database.withTransaction { connection in
      try Self.record(
        checkpoint.progress, rooms: checkpoint.rooms, changes: checkpoint.changes, on: connection)
    }
  }

  /// Every byte that was ever imported, by all imports; `nil` while one is under way.
  func bytesImported() async throws -> Int64? {
    let held = try await database.query("SELECT COUNT(*) FROM room_positions WHERE import_id IS NOT NULL")
    guard held.first?.integer(0) == 0 else { return nil }
    return try await database.query("SELECT CAST(COALESCE(SUM(done_bytes), 0) AS SIGNED) FROM imports").first?.integer(
      0)
  }

  /// Gives the rooms back, and returns them.
  ///
  /// - Parameter isComplete: the whole source was read.
  func release(_ id: Int64, isComplete: Bool) async throws -> [RoomID] {
    let now = Milliseconds(Date().timeIntervalSince1970 * 1_000)
    return try await database.withTransaction { connection in
      let rooms = try connection.query(
        "SELECT room_id FROM room_positions WHERE import_id = ?" + connection.dialect.forUpdate, [.integer(id)])
      try connection.execute("UPDATE room_positions SET import_id = NULL WHERE import_id = ?", [.integer(id)])
      if isComplete {
        try connection.execute("UPDATE imports SET finished_at = ? WHERE id = ?", [.integer(now), .integer(id)])
      }
      return rooms.compactMap { $0.integer(0) }
    }
  }
}

/// An import cannot go on, and trying again will not help by itself.
public struct ImportRefusal: Error, Sendable, CustomStringConvertible {
  public var description: String

  init(_ description: String) { self.description = description }
}
