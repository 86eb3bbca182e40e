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

extension Caller {
  /// Why a connection of this caller does not go on as the one whom a fresh token names. One who may do less would stay
  /// where only the other got in.
  func hindrance(ofRenewalBy renewed: Caller) -> ChatError? {
    if renewed.user?.id != user?.id { return .forbidden("The new token must name the same user.") }
    if isAdmin, !renewed.isAdmin {
      return .forbidden("The new token may do less than the one that the connection was opened with. Connect again.")
    }
    return nil
  }
}
