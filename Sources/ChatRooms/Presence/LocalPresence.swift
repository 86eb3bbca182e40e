import Foundation

/// Presence of a server alone.
public final class LocalPresence: Presence, @unchecked Sendable {
  private let lock = NSLock()
  private var counts = PresenceCounts()

  public init() {}

  public func enter(room: RoomID, user: String) async { lock.withLock { counts.enter(room: room, user: user) } }

  public func leave(room: RoomID, user: String) { lock.withLock { _ = counts.leave(room: room, user: user) } }

  public func users(in room: RoomID) async -> [String] {
    PresenceCounts.sorted(lock.withLock { counts.users(in: room) })
  }

  public func counts(in rooms: [RoomID]) async -> [RoomID: Int] {
    lock.withLock { Dictionary(rooms.map { ($0, counts.count(in: $0)) }) { first, _ in first } }
  }
}
