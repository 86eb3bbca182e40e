import Drivers

extension SQLRoomStore {
  /// Searches that come together share the question: it is asked after each of them came.
  public func readScope(of user: UserID?, isAdmin: Bool) async throws -> ReadScope {
    try await scopes.value(for: ScopeKey(user: user, isAdmin: isAdmin))
  }

  static func readScopes(_ keys: [ScopeKey], _ connection: any SQLConnection) throws -> [ScopeKey: ReadScope] {
    let question = ScopeQuestion(keys)
    return try question.scopes(of: try connection.query(question.sql, question.parameters))
  }
}
