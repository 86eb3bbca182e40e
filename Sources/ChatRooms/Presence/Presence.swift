/// Who is connected to which room now, by leases: what a crashed server held vanishes within about 10 s.
///
/// Two connections of one user are one user until both are gone.
public protocol Presence: Sendable {
  /// Returns once other servers can see it, or at once where Redis does not answer. Each call wants one `leave`.
  func enter(room: RoomID, user: String) async
  func leave(room: RoomID, user: String)
  /// Names of all who are connected, sorted bytewise, each once.
  func users(in room: RoomID) async -> [String]
  func counts(in rooms: [RoomID]) async -> [RoomID: Int]
}
