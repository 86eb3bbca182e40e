import ChatRooms
import Foundation

/// Who calls, and as whom.
struct Identity: Sendable, Equatable {
  var caller: Caller
  /// Whose doing it is: the caller, or whom an admin acts for. `nil` in open mode where nobody known was named.
  var user: User?
  /// What open mode was told, known or not.
  var claimedName: String?
  var isOpenMode: Bool

  /// As the user, and no more: what an admin who acts for another may read is what that user may.
  var reading: Identity {
    guard caller.isAdmin, caller.user?.id != user?.id else { return self }
    var reading = self
    reading.caller = Caller(user: user, isAdmin: false, expiresAt: caller.expiresAt)
    return reading
  }

  /// The user, where the call cannot do without.
  func requireUser() throws(ChatError) -> User {
    if let user { return user }
    if let claimedName { throw .userNotFound(claimedName) }
    throw .invalid("user", "Say who you are: ?user=NAME or the header X-Palaver-User.")
  }
}

/// Tells who calls, from a token or, in open mode, from what the client says.
struct Authenticator: Sendable {
  enum Mode: Sendable {
    /// `isAllowedAnywhere`: behind a proxy too.
    case open(isAllowedAnywhere: Bool)
    /// Throws `ChatError` 401 for a token that does not count.
    case token(verify: @Sendable (String) throws(ChatError) -> TokenClaims)
  }

  var mode: Mode
  var rooms: any RoomStore

  var isOpen: Bool { if case .open = mode { true } else { false } }

  func identify(_ request: HTTPRequest) async throws -> Identity {
    let identity = try await looked(up: request)
    if let user = identity.user { rooms.noteCall(of: user) }
    return identity
  }

  private func looked(up request: HTTPRequest) async throws -> Identity {
    switch mode {
    case .open(let isAllowedAnywhere):
      if !isAllowedAnywhere { try Self.refuseProxy(request) }
      return try await openIdentity(request)
    case .token(let verify):
      guard let token = Self.token(of: request) else { throw ChatError.unauthorized }
      return try await identity(of: try verify(token), request)
    }
  }

  /// A proxy brings everyone to an address that only this machine should reach.
  private static func refuseProxy(_ request: HTTPRequest) throws(ChatError) {
    for header in ["x-forwarded-for", "forwarded", "x-real-ip"] where request.headers[header] != nil {
      throw .forbidden(
        "Open mode is refused behind a proxy, since it lets everyone in. Use --auth token, or --allow-open if it is meant."
      )
    }
  }

  private func openIdentity(_ request: HTTPRequest) async throws -> Identity {
    let name = request.parameter("user") ?? Self.headerName(request)
    var user: User?
    if let name, !name.isEmpty { user = try await rooms.user(named: name) }
    return Identity(
      caller: Caller(user: user, isAdmin: false), user: user, claimedName: name?.isEmpty == true ? nil : name,
      isOpenMode: true)
  }

  /// As `identify`, from what is in memory; `nil` where a store has to be asked.
  func identifyFromMemory(_ request: HTTPRequest) throws(ChatError) -> Identity? {
    let identity = try found(inMemory: request)
    if let user = identity?.user { rooms.noteCall(of: user) }
    return identity
  }

  private func found(inMemory request: HTTPRequest) throws(ChatError) -> Identity? {
    switch mode {
    case .open(let isAllowedAnywhere):
      if !isAllowedAnywhere { try Self.refuseProxy(request) }
      guard request.parameter("user") == nil, request.headers["x-palaver-user"] == nil else {
        let name = request.parameter("user") ?? Self.headerName(request)
        return name.flatMap(rooms.userInMemory).map {
          Identity(caller: Caller(user: $0, isAdmin: false), user: $0, claimedName: name, isOpenMode: true)
        }
      }
      return Identity(caller: Caller(user: nil, isAdmin: false), user: nil, claimedName: nil, isOpenMode: true)
    case .token(let verify):
      guard let token = Self.token(of: request) else { throw ChatError.unauthorized }
      let claims = try verify(token)
      // Who acts for another is looked up where there is time for it.
      guard let user = rooms.userInMemory(named: claims.name), [nil, user.name].contains(request.parameter("user"))
      else {
        return nil
      }
      let caller = Caller(user: user, isAdmin: claims.isAdmin, expiresAt: claims.expiresAt)
      return Identity(caller: caller, user: user, isOpenMode: false)
    }
  }

  /// Headers are ASCII: a name beyond it comes percent-encoded.
  private static func headerName(_ request: HTTPRequest) -> String? {
    request.headers["x-palaver-user"].map { $0.removingPercentEncoding ?? $0 }
  }

  /// Whom a token names, made at first sight. - Throws: `ChatError.unauthorized`, also in open mode.
  func caller(token: String) async throws -> Caller {
    guard case .token(let verify) = mode else { throw ChatError.unauthorized }
    return try await caller(of: try verify(token)).caller
  }

  private func caller(of claims: TokenClaims) async throws -> (caller: Caller, user: User) {
    var user = try await rooms.user(named: claims.name)
    if user == nil { user = try await rooms.ensureUser(name: claims.name) }
    guard let user else { throw ChatError.unauthorized }
    return (Caller(user: user, isAdmin: claims.isAdmin, expiresAt: claims.expiresAt), user)
  }

  private func identity(of claims: TokenClaims, _ request: HTTPRequest) async throws -> Identity {
    let (caller, user) = try await caller(of: claims)
    guard let name = request.parameter("user"), name != user.name else {
      return Identity(caller: caller, user: user, isOpenMode: false)
    }
    guard claims.isAdmin else { throw ChatError.forbidden("Only an admin acts for others.") }
    guard let other = try await rooms.user(named: name) else { throw ChatError.userNotFound(name) }
    return Identity(caller: caller, user: other, isOpenMode: false)
  }

  /// From `Authorization`, the subprotocol `bearer.JWT`, or `?access_token=`; browsers' sockets have only the latter two.
  static func token(of request: HTTPRequest) -> String? {
    if let header = request.headers["authorization"] {
      let parts = header.split(separator: " ", maxSplits: 1)
      return parts.count == 2 && parts[0].lowercased() == "bearer" ? parts[1].trimmed : nil
    }
    let bearer = Self.subprotocols(of: request).first { $0.hasPrefix("bearer.") }
    return bearer.map { String($0.dropFirst("bearer.".count)) } ?? request.parameter("access_token")
  }

  static func subprotocols(of request: HTTPRequest) -> [String] {
    request.headers["sec-websocket-protocol"]?.split(separator: ",").map(\.trimmed) ?? []
  }
}
