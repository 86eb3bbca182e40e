import ChatRooms
import HistoryIndex

/// The routes that become WebSockets. Whatever can be refused is refused before the handshake.
struct SocketRoutes: Sendable {
  var services: Services
  var authenticator: Authenticator
  var phase: ServerPhase

  static let subprotocol = "palaver.v1"

  func add(to router: inout Router) {
    router.on("GET", "/v1/chatrooms/:id/join", join)
    router.on("GET", "/v1/connect", connect)
  }

  private func join(_ routed: RoutedRequest) async throws -> HTTPReply {
    let id = try routed.roomID()
    let since = try routed.integer("since", in: 0...Int64.max)
    let isV1 = offersV1(routed.request)
    let limit = try limit(routed, since: since, isV1: isV1)
    let identity = try await authenticator.identify(routed.request)
    let user = try identity.requireUser()
    let access = RoomAccess(rooms: services.rooms)
    let room = try await access.readable(id, by: identity)
    try check(routed.request)
    try await access.enter(room, as: user)
    await services.presence.enter(room: id, user: user.name)
    return .webSocket(
      WebSocketUpgrade(
        caller: identity.caller, user: user, format: isV1 ? .v1 : .raw,
        subprotocol: isV1 ? Self.subprotocol : nil,
        join: WebSocketUpgrade.RoomJoin(
          room: room, since: since, epoch: routed.request.parameter("epoch"), limit: limit)))
  }

  /// The raw protocol cannot say that something is left out: when a client resumes, no limit of its own makes a hole.
  private func limit(_ routed: RoutedRequest, since: Int64?, isV1: Bool) throws(ChatError) -> Int {
    let limits = Int64(HistoryLimits.join.lowerBound)...Int64(HistoryLimits.join.upperBound)
    let asked = try routed.integer("limit", in: limits).map { Int($0) }
    let fallback = HistoryLimits.defaultJoin(since: since)
    return since == nil || isV1 ? asked ?? fallback : fallback
  }

  private func connect(_ routed: RoutedRequest) async throws -> HTTPReply {
    let identity = try await authenticator.identify(routed.request)
    let user = try identity.requireUser()
    try check(routed.request)
    return .webSocket(
      WebSocketUpgrade(
        caller: identity.caller, user: user, format: .v1,
        subprotocol: offersV1(routed.request) ? Self.subprotocol : nil, join: nil))
  }

  private func offersV1(_ request: HTTPRequest) -> Bool {
    Authenticator.subprotocols(of: request).contains(Self.subprotocol)
  }

  /// A server that stops takes nobody in.
  private func check(_ request: HTTPRequest) throws(ChatError) {
    _ = try WebSocketHandshake(request)
    if phase.isDraining { throw .draining }
  }
}

extension ChatError {
  static let draining = ChatError(503, "draining", "This server is stopping. Connect again.", retryAfter: 1_000)
}
