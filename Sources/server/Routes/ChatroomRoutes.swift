import ChatRooms
import Drivers
import Foundation
import HistoryIndex

/// `/v1/chatrooms`: making, listing, changing and deleting rooms, and who is in them now.
struct ChatroomRoutes: Sendable {
  var services: Services
  var authenticator: Authenticator

  private var access: RoomAccess { RoomAccess(rooms: services.rooms) }

  /// Rooms of a page.
  static let pageLimits = 1...500
  static let defaultPage = 100

  func add(to router: inout Router) {
    router.on("POST", "/v1/chatrooms", create)
    router.on("GET", "/v1/chatrooms", list)
    router.on("GET", "/v1/chatrooms/:id", show)
    router.on("PATCH", "/v1/chatrooms/:id", update)
    router.on("DELETE", "/v1/chatrooms/:id", delete)
    router.on("GET", "/v1/chatrooms/:id/users", present)
  }

  private func create(_ routed: RoutedRequest) async throws -> HTTPReply {
    let identity = try await authenticator.identify(routed.request)
    let body = try RequestBody(routed.request)
    let (room, position) = try await services.rooms.createRoom(try newRoom(body, identity), by: identity.user)
    return .response(
      .json {
        $0.member("id", room.id)
        $0.key("name")
        if let name = room.name { $0.value(name) } else { $0.null() }
        $0.member("kind", room.kind.name)
        $0.member("epoch", position.epoch)
      })
  }

  private func newRoom(_ body: RequestBody, _ identity: Identity) throws -> NewRoom {
    let kindName = try body.string("kind") ?? Room.Kind.public.name
    guard let kind = Room.Kind(name: kindName) else {
      throw ChatError.invalid("kind", "kind is public, private or direct, not '\(kindName.prefix(40))'.")
    }
    let ref = try MessageDraft.ref(body["ref"])
    let members = try body.strings("members").map(\.precomposedStringWithCanonicalMapping)
    if kind != .public, identity.user == nil, members.isEmpty {
      throw ChatError.invalid("members", "A \(kind.name) room needs members: name yourself, or list them.")
    }
    return NewRoom(
      name: try body.string("name"), topic: try body.string("topic"), kind: kind, members: members, ref: ref)
  }

  private func list(_ routed: RoutedRequest) async throws -> HTTPReply {
    let identity = try await authenticator.identify(routed.request)
    let isLimited = routed.request.parameter("limit") != nil
    let limit = try routed.limit(in: Self.pageLimits, default: Self.defaultPage)
    var filter = RoomFilter(
      reader: identity.user?.id, isAdmin: identity.caller.isAdmin, text: Self.namePart(routed.request),
      after: try routed.integer("after", in: 0...Int64.max) ?? 0, limit: limit + 1)
    if let member = routed.request.parameter("member") {
      guard member == "me" else { throw ChatError.invalid("member", "member is me, or left out.") }
      filter.reader = try identity.requireUser().id
      filter.membersOnly = true
    }
    var summaries = try await services.rooms.rooms(filter)
    let hasMore = summaries.count > limit
    if hasMore { summaries.removeLast(summaries.count - limit) }
    let ids = isLimited ? summaries.map(\.room.id) : try await services.rooms.roomIDs(filter)
    return .response(try await page(summaries, ids: ids, hasMore: hasMore))
  }

  /// An empty `q` asks for nothing in particular: rooms without a name are listed too.
  private static func namePart(_ request: HTTPRequest) -> String? {
    request.parameter("q").flatMap { $0.isEmpty ? nil : $0 }
  }

  private func page(_ summaries: [RoomSummary], ids: [RoomID], hasMore: Bool) async throws -> HTTPResponse {
    let counts = await services.presence.counts(in: summaries.map(\.room.id))
    return .json { writer in
      writer.key("ids")
      writer.array { for id in ids { $0.value(id) } }
      writer.key("chatrooms")
      writer.array {
        for summary in summaries { RoomReplies.summary(summary, present: counts[summary.room.id] ?? 0, in: &$0) }
      }
      writer.key("next")
      if hasMore, let last = summaries.last { writer.value(String(last.room.id)) } else { writer.null() }
    }
  }

  private func show(_ routed: RoutedRequest) async throws -> HTTPReply {
    let id = try routed.roomID()
    let identity = try await authenticator.identify(routed.request)
    let room = try await access.readable(id, by: identity)
    return .response(reply(try await state(of: room, identity)))
  }

  private typealias State = (summary: RoomSummary, present: Int)

  private func state(of room: Room, _ identity: Identity) async throws -> State {
    guard let summary = try await services.rooms.summary(of: room.id, reader: identity.user?.id) else {
      throw ChatError.roomNotFound(room.id)
    }
    return (summary, await services.presence.counts(in: [room.id])[room.id] ?? 0)
  }

  private func reply(_ state: State, event: Int64? = nil) -> HTTPResponse {
    var writer = JSONWriter(capacity: 512)
    RoomReplies.summary(state.summary, present: state.present, event: event, in: &writer)
    return HTTPResponse(headers: [("Content-Type", "application/json")], body: writer.bytes)
  }

  private func update(_ routed: RoutedRequest) async throws -> HTTPReply {
    let id = try routed.roomID()
    let identity = try await authenticator.identify(routed.request)
    let room = try await access.manageable(id, by: identity)
    let body = try RequestBody(routed.request)
    let name = try body.change("name")
    let topic = try body.change("topic")
    let changed = name == nil && topic == nil ? room : try await services.rooms.updateRoom(id, name: name, topic: topic)
    return .response(reply(try await state(of: changed, identity)))
  }

  private func delete(_ routed: RoutedRequest) async throws -> HTTPReply {
    let id = try routed.roomID()
    let identity = try await authenticator.identify(routed.request)
    let room = try await access.manageable(id, by: identity)
    let actor = identity.user ?? .nobody
    // Afterwards there is nothing to be asked for any more.
    let last = try await state(of: room, identity)
    let committed = try await services.writer.submit(Submission(room: room, action: .close, actor: actor, ref: nil))
    return .response(reply(last, event: committed.event.event))
  }

  private func present(_ routed: RoutedRequest) async throws -> HTTPReply {
    let id = try routed.roomID()
    let identity = try await authenticator.identify(routed.request)
    _ = try await access.readable(id, by: identity)
    let users = await services.presence.users(in: id)
    return .response(
      .json {
        $0.key("users")
        $0.array { for user in users { $0.value(user) } }
      })
  }
}

extension User {
  /// Stands for whoever, in open mode, did not say who they are.
  static let nobody = User(id: 0, name: "", displayName: nil, createdAt: 0)
}
