import Drivers

/// Two users have one direct room with each other, whoever asks for it, and however often.
///
/// It is told by its members, so that rooms count which were imported, or made before there was this rule; a hidden
/// unique name decides between two calls at once.
extension SQLRoomStore {
  /// Begins with a control character: no room can be given that name, nor asked for by it.
  private static func hiddenName(of pair: [User]) -> String {
    "\u{1}direct:" + pair.map(\.id).sorted().map(String.init).joined(separator: ":")
  }

  /// The room that these two have; otherwise the name under which it is to be made.
  static func direct(
    between pair: [User], _ connection: any SQLConnection
  ) throws -> (room: Created?, name: String) {
    let name = hiddenName(of: pair)
    // Looked up first: whose room is found under the name now, and not by its members afterwards, was left by one of them.
    let holder = try connection.query("SELECT id FROM rooms WHERE unique_name = ?", [.text(name)]).first?.integer(0)
    if let room = try room(ofBoth: pair, connection) { return (room, name) }
    if let holder {
      try connection.execute(
        "UPDATE rooms SET unique_name = NULL WHERE id = ? AND unique_name = ?", [.integer(holder), .text(name)])
    }
    return (nil, name)
  }

  private static func room(ofBoth pair: [User], _ connection: any SQLConnection) throws -> Created? {
    let sql = """
      SELECT \(roomColumns), \(positionColumns) FROM members one
      JOIN members other ON other.room_id = one.room_id
      JOIN rooms r ON r.id = one.room_id JOIN room_positions p ON p.room_id = r.id
      WHERE one.user_id = ? AND other.user_id = ? AND r.kind = \(Room.Kind.direct.rawValue) AND r.deleted_at IS NULL
      ORDER BY r.id LIMIT 1
      """
    guard pair.count == 2 else { return nil }
    return try connection.query(sql, pair.map { .integer($0.id) }).first.map { row in
      Created(room: try room(row), position: try position(row, at: 7))
    }
  }
}
