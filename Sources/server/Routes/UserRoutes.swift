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
    try await services.rooms.deleteAllUsers()
    services.bus.publish(.everythingChanged)
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
    let fate = routed.request.parameter("messages") ?? "keep"
    switch fate {
    case "keep": break
    case "anonymize", "erase":
      throw ChatError(501, "not_implemented", "messages=\(fate) cannot be done yet.", parameter: "messages")
    default: throw ChatError.invalid("messages", "messages is keep, anonymize or erase, not '\(fate.prefix(40))'.")
    }
    let user = try await changeable(routed)
    try await UserDeletion(rooms: services.rooms, writer: services.writer).delete(user)
    return .response(.json { $0.member("name", user.name) })
  }
}

/// Deletes a user: first out of every room, by events that end their sockets there, then the name for good.
struct UserDeletion: Sendable {
  var rooms: any RoomStore
  var writer: JournalWriter

  func delete(_ user: User) async throws {
    for membership in try await rooms.memberships(of: user.id) {
      guard let room = try await rooms.room(membership.room) else { continue }
      _ = try await writer.submit(Submission(room: room, action: .remove(user: user), actor: user, ref: nil))
    }
    try await rooms.deleteUser(user)
  }
}
