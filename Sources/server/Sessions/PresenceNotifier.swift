import ChatRooms
import Foundation
import HistoryIndex

/// Tells the clients of a room who came and went, at most once a second a room, from what connections of this server do
/// and what other servers say.
final class PresenceNotifier: @unchecked Sendable {
  /// Milliseconds between two frames of a room.
  static let interval = 1_000
  /// Names in one frame: beyond this, only the number of those present counts.
  static let maximumNames = 100

  private struct Place: Hashable {
    var room: RoomID
    var user: String
  }

  private let presence: any Presence
  private let bus: any Bus
  private let joiner: any RoomJoiner
  private let lock = NSLock()
  /// Connections of this server.
  private var connections: [Place: Int] = [:]
  /// Users of each room with connections of this server: nobody else is told.
  private var listeners: [RoomID: Int] = [:]
  /// What changed since the last frame: whether the user came (true) or went.
  private var changes: [RoomID: [String: Bool]] = [:]

  init(presence: any Presence, bus: any Bus, joiner: any RoomJoiner) {
    self.presence = presence
    self.bus = bus
    self.joiner = joiner
  }

  /// A connection of this server has a room from now on; its lease has been entered.
  func entered(_ room: RoomID, user: String) {
    let isFirst = lock.withLock {
      let count = connections[Place(room: room, user: user), default: 0] + 1
      connections[Place(room: room, user: user)] = count
      if count == 1 {
        changes[room, default: [:]][user] = true
        listeners[room, default: 0] += 1
      }
      return count == 1
    }
    if isFirst { bus.publish(.presence(room: room, user: user, isPresent: true)) }
  }

  /// A connection gives up a room; gives back its lease too.
  func left(_ room: RoomID, user: String) {
    presence.leave(room: room, user: user)
    let isLast = lock.withLock {
      let place = Place(room: room, user: user)
      let count = (connections[place] ?? 1) - 1
      guard count == 0 else {
        connections[place] = count
        return false
      }
      changes[room, default: [:]][user] = false
      if connections.removeValue(forKey: place) != nil {
        let others = (listeners[room] ?? 1) - 1
        listeners[room] = others > 0 ? others : nil
      }
      return true
    }
    if isLast { bus.publish(.presence(room: room, user: user, isPresent: false)) }
  }

  func typing(_ room: RoomID, user: String) {
    bus.publish(.typing(room: room, user: user))
    joiner.notice(V1Frames.typing(room, user: user), in: room, except: user)
  }

  /// To be called for every message of the bus.
  func receive(_ message: BusMessage) {
    switch message {
    case .presence(let room, let user, let isPresent): lock.withLock { changes[room, default: [:]][user] = isPresent }
    case .typing(let room, let user): joiner.notice(V1Frames.typing(room, user: user), in: room, except: user)
    case .events, .roomChanged, .userChanged, .everythingChanged, .usersDeleted: break
    }
  }

  /// Sends what gathers, until cancelled.
  func run() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .milliseconds(Self.interval))
      await flush()
    }
  }

  /// One frame for each room in which something changed. Whoever is connected elsewhere still has not left.
  func flush() async {
    let taken = lock.withLock {
      let taken = changes.filter { listeners[$0.key] != nil }
      changes = [:]
      return taken
    }
    for (room, changed) in taken {
      let present = await presence.users(in: room)
      let names = Set(present)
      let joined = changed.filter { $0.value && names.contains($0.key) }.keys.sorted()
      let left = changed.filter { !$0.value && !names.contains($0.key) }.keys.sorted()
      guard !joined.isEmpty || !left.isEmpty else { continue }
      let frame = V1Frames.presence(
        room, joined: Array(joined.prefix(Self.maximumNames)), left: Array(left.prefix(Self.maximumNames)),
        present: present.count)
      joiner.notice(frame, in: room, except: nil)
    }
  }
}
