import ChatRooms
import Drivers
import HistoryIndex

/// What sessions need of the rest of the server.
struct SessionServices: Sendable {
  var rooms: any RoomStore
  var presence: any Presence
  var writer: any EventWriter
  var joiner: any RoomJoiner
  var authority: any SessionAuthority
  var commands: MessageCommands
  var pages: HistoryPages
  var notifier: PresenceNotifier
  var log: Log

  /// Carries out a request of a session. Never throws: errors are answers.
  func answer(_ request: SessionRequest, user: User, caller: Caller) async -> SessionAnswer {
    do {
      return try await carryOut(request, user: user, caller: caller)
    } catch let error as ChatError {
      return request.failure(error)
    } catch {
      if let refusal = ChatError(ofDatabase: error) {
        log.warning("database refused", ["error": "\(error)"])
        return request.failure(refusal)
      }
      log.error("a request of a connection failed", ["error": "\(error)"])
      return request.failure(ChatError(500, "internal", "Something went wrong inside of the server."))
    }
  }

  private func carryOut(_ request: SessionRequest, user: User, caller: Caller) async throws -> SessionAnswer {
    let actor = MessageCommands.Actor(user: user, isAdmin: caller.isAdmin)
    switch request {
    case .edit(let room, let seq, let text, let ref):
      let changed = try await commands.edit(seq, in: room, text: text, by: actor, ref: ref)
      return .changed(Receipt(room: room.id, ref: ref), changed)
    case .delete(let room, let seq, let ref):
      return .changed(
        Receipt(room: room.id, ref: ref), try await commands.delete(seq, in: room, by: actor, ref: ref))
    case .history(let room, let query, let ref):
      return .page(Receipt(room: room.id, ref: ref), try await pages.rendered(of: room, query))
    case .read(let room, let seq, let ref):
      return .read(Receipt(room: room.id, ref: ref), seq: try await markRead(room, seq, user))
    case .authenticate(let token, let ref): return .authenticated(try await authority.caller(token: token), ref: ref)
    case .admit(let wish):
      let room = try await authority.admit(user, caller: caller, to: wish.room)
      await presence.enter(room: room.id, user: user.name)
      return .admitted(room, wish, user)
    }
  }

  /// Nobody has read what was not written yet: a mark beyond the newest message would hide later ones.
  private func markRead(_ room: Room, _ seq: Int64, _ user: User) async throws -> Int64 {
    let newest = try await pages.journal.position(of: room.id)?.lastSeq ?? 0
    let read = min(seq, newest)
    return try await rooms.markRead(room: room.id, user: user.id, seq: read)?.readSeq ?? read
  }
}
