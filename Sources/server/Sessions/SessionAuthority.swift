import ChatRooms

/// Who may do what, where the handshake has not decided it already.
protocol SessionAuthority: Sendable {
  /// The caller that a token names. - Throws: `ChatError.unauthorized`.
  func caller(token: String) async throws -> Caller

  /// Lets a user into a room as `GET /join` does: checks that they may, makes them a member of a public room.
  ///
  /// - Throws: `ChatError` 404 for an unknown room and for a private one of others.
  func admit(_ user: User, caller: Caller, to room: RoomID) async throws -> Room
}
