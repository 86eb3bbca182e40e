import ChatRooms
import Foundation
import HistoryIndex

/// `/v1/chatrooms/{id}/members` and read marks.
struct MemberRoutes: Sendable {
  var services: Services
  var authenticator: Authenticator

  private var access: RoomAccess { RoomAccess(rooms: services.rooms) }

  func add(to router: inout Router) {
    router.on("GET", "/v1/chatrooms/:id/members", list)
    router.on("PUT", "/v1/chatrooms/:id/members/:user", put)
    router.on("DELETE", "/v1/chatrooms/:id/members/:user", remove)
    router.on("PUT", "/v1/chatrooms/:id/read", markRead)
  }

  private func list(_ routed: RoutedRequest) async throws -> HTTPReply {
    let id = try routed.roomID()
    let identity = try await authenticator.identify(routed.request)
    _ = try await access.readable(id, by: identity)
    let members = try await services.rooms.members(of: id)
    return .response(
      .json {
        $0.key("members")
        $0.array { for member in members { RoomReplies.member(member, in: &$0) } }
      })
  }

  private func target(_ routed: RoutedRequest) async throws -> User {
    let name = routed.value("user").precomposedStringWithCanonicalMapping
    guard let user = try await services.rooms.user(named: name) else { throw ChatError.userNotFound(name) }
    return user
  }

  private func put(_ routed: RoutedRequest) async throws -> HTTPReply {
    let id = try routed.roomID()
    let identity = try await authenticator.identify(routed.request)
    let permissions = try await access.permissions(in: id, for: identity)
    let role = try Self.role(try RequestBody(routed.request).string("role"))
    let user = try await target(routed)
    try permissions.requireAdding(user)
    if role == .owner { try permissions.requireManaging() }
    // Coming in again must not make a member of an owner.
    let former = try await services.rooms.membership(room: id, user: user.id)
    if permissions.mayManage || former == nil { try await services.rooms.addMember(user, to: id, role: role) }
    guard let membership = try await services.rooms.membership(room: id, user: user.id) else {
      throw ChatError.unavailable("The membership")
    }
    return .response(.writing { RoomReplies.member(Member(user: user, membership: membership), in: &$0) })
  }

  private static func role(_ name: String?) throws(ChatError) -> Membership.Role {
    guard let name else { return .member }
    guard let role = [Membership.Role.member, .owner].first(where: { $0.name == name }) else {
      throw .invalid("role", "role is member or owner, not '\(name.prefix(40))'.")
    }
    return role
  }

  private func remove(_ routed: RoutedRequest) async throws -> HTTPReply {
    let id = try routed.roomID()
    let identity = try await authenticator.identify(routed.request)
    let permissions = try await access.permissions(in: id, for: identity)
    let user = try await target(routed)
    try permissions.requireRemoving(user)
    guard try await services.rooms.membership(room: id, user: user.id) != nil else {
      throw ChatError(404, "member_not_found", "\(user.name) is no member of room \(id).", parameter: "user")
    }
    let actor = identity.user ?? user
    let committed = try await services.writer.submit(
      Submission(room: permissions.room, action: .remove(user: user), actor: actor, ref: nil))
    return .response(
      .json {
        $0.member("name", user.name)
        $0.member("event", committed.event.event)
      })
  }

  private func markRead(_ routed: RoutedRequest) async throws -> HTTPReply {
    let id = try routed.roomID()
    let identity = try await authenticator.identify(routed.request)
    _ = try await access.readable(id, by: identity)
    let user = try identity.requireUser()
    guard let seq = try RequestBody(routed.request).integer("seq", in: 0...Int64.max) else {
      throw ChatError.invalid("seq", "seq is missing: the newest message that was read.")
    }
    guard let position = try await services.journal.position(of: id) else { throw ChatError.roomNotFound(id) }
    let mark = min(seq, position.lastSeq)
    guard let membership = try await services.rooms.markRead(room: id, user: user.id, seq: mark) else {
      throw ChatError(404, "member_not_found", "\(user.name) is no member of room \(id).", parameter: "user")
    }
    return .response(.writing { RoomReplies.membership(membership, in: &$0) })
  }
}
