import ChatRooms
import Drivers
import HistoryIndex

/// `/v1/chatrooms/{id}/messages`: pages of history, and messages over HTTP.
struct MessageRoutes: Sendable {
  var services: Services
  var authenticator: Authenticator

  private var access: RoomAccess { RoomAccess(rooms: services.rooms) }

  private var commands: MessageCommands {
    MessageCommands(rooms: services.rooms, history: services.history, writer: services.writer)
  }

  func add(to router: inout Router) {
    router.on("GET", "/v1/chatrooms/:id/messages", immediate: listFromMemory, list)
    router.on("POST", "/v1/chatrooms/:id/messages", send)
    router.on("PATCH", "/v1/chatrooms/:id/messages/:seq", edit)
    router.on("DELETE", "/v1/chatrooms/:id/messages/:seq", delete)
  }

  private func list(_ routed: RoutedRequest) async throws -> HTTPReply {
    let (id, query) = try Self.query(routed)
    let identity = try await authenticator.identify(routed.request)
    let room = try await access.readable(id, by: identity)
    return .response(Self.reply(try await services.pages.rendered(of: room, query), to: routed.request))
  }

  /// The same, where caller, room, membership and messages are in memory.
  private func listFromMemory(_ routed: RoutedRequest) throws -> HTTPReply? {
    guard services.pages.knowsAtOnce else { return nil }
    let (id, query) = try Self.query(routed)
    guard let identity = try authenticator.identifyFromMemory(routed.request),
      let room = try access.readableFromMemory(id, by: identity),
      let page = services.pages.immediate(of: room, query)
    else { return nil }
    return .response(Self.reply(page, to: routed.request))
  }

  private static func query(_ routed: RoutedRequest) throws(ChatError) -> (RoomID, HistoryQuery) {
    let any = 0...Int64.max
    let id = try routed.roomID()
    let query = try HistoryQuery(
      before: try routed.integer("before", in: any), after: try routed.integer("after", in: any),
      around: try routed.integer("around", in: any), limit: try routed.integer("limit", in: any))
    return (id, query)
  }

  /// 304 to a client that has this page (RFC 9110, section 13.1.2): its room stands where it stood then.
  private static func reply(_ page: RenderedPage, to request: HTTPRequest) -> HTTPResponse {
    let tag = "\"\(page.position.epoch).\(page.position.lastEvent)\""
    if let known = request.headers["if-none-match"], known.split(separator: ",").contains(where: { $0.trimmed == tag })
    {
      return HTTPResponse(status: 304, headers: [("ETag", tag)])
    }
    return HTTPResponse(headers: [("Content-Type", "application/json"), ("ETag", tag)], body: page.json)
  }

  private func send(_ routed: RoutedRequest) async throws -> HTTPReply {
    let id = try routed.roomID()
    let identity = try await authenticator.identify(routed.request)
    let user = try identity.requireUser()
    let room = try await access.readable(id, by: identity)
    let draft = try MessageDraft(try RequestBody(routed.request).object)
    try await access.enter(room, as: user)
    let action = Submission.Action.send(text: draft.text, data: draft.data, replyTo: draft.replyTo)
    let committed = try await services.writer.submit(
      Submission(room: room, action: action, actor: user, ref: draft.ref))
    guard committed.isDuplicate else { return .response(Self.reply(committed.event.message, status: 201)) }
    return .response(Self.reply(await presentState(of: committed.event.message, in: room)))
  }

  /// A journal that keeps every state found the first one. Where nobody can tell the present one, that must do.
  private func presentState(of message: Message, in room: Room) async -> Message {
    (try? await services.history.messages(in: room, seqs: [message.seq]))?.first ?? message
  }

  private func edit(_ routed: RoutedRequest) async throws -> HTTPReply {
    let (room, seq, actor) = try await target(routed)
    let body = try RequestBody(routed.request)
    let changed = try await commands.edit(
      seq, in: room, text: try MessageDraft.text(body["text"]), by: actor, ref: try MessageDraft.ref(body["ref"]))
    return .response(Self.reply(changed.message))
  }

  private func delete(_ routed: RoutedRequest) async throws -> HTTPReply {
    let (room, seq, actor) = try await target(routed)
    let ref = try MessageDraft.ref(try RequestBody(routed.request)["ref"])
    let changed = try await commands.delete(seq, in: room, by: actor, ref: ref)
    return .response(Self.reply(changed.message))
  }

  private func target(_ routed: RoutedRequest) async throws -> (Room, Int64, MessageCommands.Actor) {
    let (id, seq) = (try routed.roomID(), try routed.seq())
    let identity = try await authenticator.identify(routed.request)
    let user = try identity.requireUser()
    let room = try await access.readable(id, by: identity)
    return (room, seq, MessageCommands.Actor(user: user, isAdmin: identity.caller.isAdmin))
  }

  private static func reply(_ message: Message, status: Int = 200) -> HTTPResponse {
    .json(status) {
      MessageWire.members(of: message, in: &$0)
      if message.isDeleted { $0.member("deleted", true) }
    }
  }
}
