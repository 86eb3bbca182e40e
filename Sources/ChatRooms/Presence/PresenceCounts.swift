/// How many connections each user has to each room of this server.
struct PresenceCounts {
  private var rooms: [RoomID: [String: Int]] = [:]

  mutating func enter(room: RoomID, user: String) { rooms[room, default: [:]][user, default: 0] += 1 }

  /// Returns true if that was the user's last connection to the room.
  mutating func leave(room: RoomID, user: String) -> Bool {
    guard let count = rooms[room]?[user] else { return false }
    rooms[room]?[user] = count > 1 ? count - 1 : nil
    if rooms[room]?.isEmpty == true { rooms[room] = nil }
    return count == 1
  }

  func users(in room: RoomID) -> [String] { rooms[room].map { Array($0.keys) } ?? [] }
  func count(in room: RoomID) -> Int { rooms[room]?.count ?? 0 }
  var occupied: [RoomID] { Array(rooms.keys) }

  /// Each name once, in the order of their bytes.
  static func sorted(_ users: [String]) -> [String] {
    Set(users).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
