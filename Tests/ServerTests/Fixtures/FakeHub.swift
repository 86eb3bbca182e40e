import ChatRooms
import Foundation

@testable import HistoryIndex
@testable import server

/// Hub and journal in one, in memory: stores at once, joins at once, broadcasts to the loops. Can be told to hold back.
final class FakeHub: RoomJoiner, EventWriter, @unchecked Sendable {
  private let lock = NSLock()
  private var loops: [any DeliveryLoop] = []
  private var messages: [RoomID: [Message]] = [:]
  private var held: [@Sendable () -> Void] = []
  private(set) var left: [RoomID] = []
  /// Joins wait for `release()`.
  var holdsJoins = false
  /// Acknowledgements wait for `release()`.
  var holdsSends = false
  /// What every submission fails with.
  var failure: ChatError?
  /// What every join fails with.
  var refusal: ChatError?
  let joins = Signal()
  let sends = Signal()
  let leaves = Signal()

  func attach(_ loop: any DeliveryLoop) -> Int {
    lock.withLock {
      loops.append(loop)
      return loops.count - 1
    }
  }

  func join(_ request: JoinRequest, loop: Int) {
    lock.withLock {
      let answer: @Sendable () -> Void = { [self] in
        if let refusal { return loops[loop].post(.refused(request.subscription, refusal)) }
        let all = messages[request.room.id] ?? []
        let position = RoomPosition(epoch: "k1", lastEvent: Int64(all.count), lastSeq: Int64(all.count))
        let frames = all.suffix(request.limit).map {
          request.format == .raw ? MessageWire.rawFrame($0) : MessageWire.messageFrame($0)
        }
        let state = JoinState(position: position, since: request.since, isComplete: true, isReset: false)
        loops[loop].post(.joined(request.subscription, state, frames))
      }
      if holdsJoins { held.append(answer) } else { answer() }
    }
    joins.raise()
  }

  func leave(_ subscription: SubscriptionID, room: RoomID, loop: Int) {
    lock.withLock { left.append(room) }
    leaves.raise()
  }

  func notice(_ frame: WebSocketFrame, in room: RoomID, except user: String?) {
    post(.notice(room, frame, except: user))
  }

  func submit(_ submission: Submission, completion: @escaping JournalWriter.Completion) {
    lock.withLock {
      if let failure { return completion(.failure(failure)) }
      guard case .send(let text, _, _) = submission.action else { return completion(.failure(.unavailable("Fake"))) }
      let room = submission.room.id
      let stored = message(Int64(messages[room]?.count ?? 0) + 1, in: room, text: text, by: submission.actor)
      messages[room, default: []].append(stored)
      let event = event(stored)
      for loop in loops { loop.post(.broadcast(room, Broadcast(rendering: event))) }
      let committed = JournalWriter.Committed(event: event, isDuplicate: false)
      if holdsSends { held.append { completion(.success(committed)) } } else { completion(.success(committed)) }
    }
    sends.raise()
  }

  func post(_ delivery: Delivery) {
    for loop in lock.withLock({ loops }) { loop.post(delivery) }
  }

  func texts(in room: RoomID) -> [String] { lock.withLock { messages[room]?.map(\.text) ?? [] } }

  func release() {
    lock.withLock {
      for answer in held { answer() }
      held = []
    }
  }
}

final class FakePresence: Presence, @unchecked Sendable {
  private let lock = NSLock()
  private var names: [RoomID: [String]] = [:]
  private(set) var reads = 0

  func enter(room: RoomID, user: String) async { enterNow(room: room, user: user) }

  func enterNow(room: RoomID, user: String) { lock.withLock { names[room, default: []].append(user) } }

  func leave(room: RoomID, user: String) {
    lock.withLock {
      if let index = names[room]?.firstIndex(of: user) { names[room]?.remove(at: index) }
    }
  }

  func users(in room: RoomID) async -> [String] {
    lock.withLock { reads += 1 }
    return current(room)
  }

  func current(_ room: RoomID) -> [String] { lock.withLock { Set(names[room] ?? []).sorted() } }
  func counts(in rooms: [RoomID]) async -> [RoomID: Int] { [:] }
}

final class FakeBus: Bus, @unchecked Sendable {
  private let lock = NSLock()
  private var messages: [BusMessage] = []

  var published: [BusMessage] { lock.withLock { messages } }
  func publish(_ message: BusMessage) { lock.withLock { messages.append(message) } }
  func onMessage(_ handler: @escaping @Sendable (BusMessage) -> Void) {}
}

struct FakeAuthority: SessionAuthority {
  var presence: FakePresence

  func caller(token: String) async throws -> Caller {
    if token == "brief" { return Caller(user: anna, isAdmin: false, expiresAt: WallClock.now + 300) }
    guard token == "good" else { throw ChatError.unauthorized }
    return Caller(user: anna, isAdmin: false, expiresAt: 4_000_000_000_000)
  }

  func admit(_ user: User, caller: Caller, to id: RoomID) async throws -> Room {
    guard id < 100 else { throw ChatError.roomNotFound(id) }
    return room(id)
  }
}
