import ChatRooms
import Drivers
import Foundation
import HistoryIndex

/// `/v1/users`.
struct UserRoutes: Sendable {
  var services: Services
  var authenticator: Authenticator

  func add(to router: inout Router) {
    router.on("POST", "/v1/users", create)
    router.on("POST", "/v1/chatrooms/users", create)
    router.on("DELETE", "/v1/users", deleteAll)
    router.on("GET", "/v1/users/:name", show)
    router.on("PATCH", "/v1/users/:name", update)
    router.on("DELETE", "/v1/users/:name", delete)
    router.on("GET", "/v1/users/:name/erasure", showErasure)
  }

  private func create(_ routed: RoutedRequest) async throws -> HTTPReply {
    let identity = try await authenticator.identify(routed.request)
    guard identity.isOpenMode || identity.caller.isAdmin else {
      throw ChatError.forbidden("Only an admin makes users; others are made when their token is first seen.")
    }
    let body = try RequestBody(routed.request)
    let user = try await services.rooms.createUser(
      name: try body.required("name"), displayName: try body.string("display_name"))
    return .response(
      .json {
        $0.member("name", user.name)
        $0.member("id", user.id)
      })
  }

  private func deleteAll(_ routed: RoutedRequest) async throws -> HTTPReply {
    let identity = try await authenticator.identify(routed.request)
    guard identity.isOpenMode else { throw ChatError.forbidden("All users can be deleted in open mode only.") }
    let last = try await services.rooms.deleteAllUsers()
    services.hub.evictUsers(upTo: last)
    services.bus.publish(.usersDeleted(upTo: last))
    return .response(.json { _ in })
  }

  private func show(_ routed: RoutedRequest) async throws -> HTTPReply {
    _ = try await authenticator.identify(routed.request)
    let user = try await named(routed)
    return .response(.json { RoomReplies.user(user, in: &$0) })
  }

  private func named(_ routed: RoutedRequest) async throws -> User {
    let name = routed.value("name").precomposedStringWithCanonicalMapping
    guard let user = try await services.rooms.user(named: name) else { throw ChatError.userNotFound(name) }
    return user
  }

  /// Users change themselves, admins everyone, and open mode lets everyone do it.
  private func changeable(_ routed: RoutedRequest) async throws -> User {
    let identity = try await authenticator.identify(routed.request)
    let user = try await named(routed)
    guard identity.isOpenMode || identity.caller.isAdmin || identity.user == user else {
      throw ChatError.forbidden("Only \(user.name) or an admin may do this.")
    }
    return user
  }

  private func update(_ routed: RoutedRequest) async throws -> HTTPReply {
    var user = try await changeable(routed)
    if let change = try RequestBody(routed.request).change("display_name") {
      user = try await services.rooms.updateUser(user, displayName: change)
    }
    return .response(.json { [user] in RoomReplies.user(user, in: &$0) })
  }

  private func delete(_ routed: RoutedRequest) async throws -> HTTPReply {
    let word = routed.request.parameter("messages") ?? "keep"
    guard let fate = MessageFate(name: word) else {
      throw ChatError.invalid("messages", "messages is keep, anonymize or erase, not '\(word.prefix(40))'.")
    }
    if fate != .keep, let erasure = try await requestAfterwards(routed, fate) { return reply(erasure.name, erasure) }
    let user = try await changeable(routed)
    try await UserDeletion(rooms: services.rooms, writer: services.writer).delete(user, messages: fate)
    return reply(user.name, fate == .keep ? nil : try await services.erasures.erasure(of: user.name))
  }

  /// Of somebody who was deleted before: the messages had stayed, or the call is made again.
  private func requestAfterwards(_ routed: RoutedRequest, _ fate: MessageFate) async throws -> Erasure? {
    let identity = try await authenticator.identify(routed.request)
    guard identity.isOpenMode || identity.caller.isAdmin else { return nil }
    let name = routed.value("name").precomposedStringWithCanonicalMapping
    return try await services.rooms.user(named: name) == nil ? services.erasures.request(name, fate) : nil
  }

  private func reply(_ name: String, _ erasure: Erasure?) -> HTTPReply {
    .response(
      .json {
        $0.member("name", name)
        guard let erasure else { return }
        $0.key("erasure")
        $0.object { RoomReplies.erasure(erasure, in: &$0) }
      })
  }

  /// The user cannot ask any more: admins can.
  private func showErasure(_ routed: RoutedRequest) async throws -> HTTPReply {
    let identity = try await authenticator.identify(routed.request)
    guard identity.isOpenMode || identity.caller.isAdmin else {
      throw ChatError.forbidden("Only an admin may see what becomes of a deleted user's messages.")
    }
    let name = routed.value("name").precomposedStringWithCanonicalMapping
    if let erasure = try await services.erasures.erasure(of: name) {
      return .response(.json { RoomReplies.erasure(erasure, in: &$0) })
    }
    _ = try await named(routed)
    return .response(
      .json {
        $0.member("mode", MessageFate.keep.name)
        $0.member("state", "none")
      })
  }
}

/// Deletes a user: first out of every room, by events that end their sockets there, then the name for good.
struct UserDeletion: Sendable {
  var rooms: any RoomStore
  var writer: JournalWriter

  /// - Parameter fate: of the messages; servers carry it out afterwards.
  func delete(_ user: User, messages fate: MessageFate) async throws {
    for membership in try await rooms.memberships(of: user.id) {
      guard let room = try await rooms.room(membership.room) else { continue }
      _ = try await writer.submit(Submission(room: room, action: .remove(user: user), actor: user, ref: nil))
    }
    try await rooms.deleteUser(user, messages: fate)
  }
}
