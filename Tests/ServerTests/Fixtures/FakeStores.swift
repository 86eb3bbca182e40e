import ChatRooms
import Foundation

@testable import HistoryIndex
@testable import server

/// A room's messages in memory, deleted ones as tombstones.
final class FakeHistory: History, Journal, @unchecked Sendable {
  private let lock = NSLock()
  private var stored: [Message]
  /// How many ranges were read.
  private(set) var reads = 0

  init(count: Int64, deleted: Set<Int64> = []) {
    stored =
      count == 0
      ? []
      : (1...count).map { seq in
        var message = message(seq)
        if deleted.contains(seq) { (message.isDeleted, message.text) = (true, "") }
        return message
      }
  }

  func replace(_ message: Message) { lock.withLock { stored[Int(message.seq) - 1] = message } }

  func messages(in room: Room, seqs: ClosedRange<Int64>) async throws -> [Message] {
    lock.withLock {
      reads += 1
      return stored.filter { seqs.contains($0.seq) }
    }
  }

  func messages(in room: Room, seqs: [Int64]) async throws -> [Message] {
    lock.withLock { stored.filter { seqs.contains($0.seq) } }
  }

  var laneCount: Int { 1 }
  func makeCommitter() -> any JournalCommitter { NoCommitter() }
  func heads() async throws -> [LaneHead] { [] }
  func events(lane: Int, after position: Int64, limit: Int) async throws -> [RoomEvent] { [] }
  func position(of room: RoomID) async throws -> RoomPosition? {
    guard room == 1 else { return nil }
    let count = Int64(lock.withLock { stored.count })
    return RoomPosition(epoch: "k1", lastEvent: count, lastSeq: count)
  }
  func messages(in room: RoomID, seqs: ClosedRange<Int64>) async throws -> [Message] { [] }
  func messages(in room: RoomID, seqs: [Int64]) async throws -> [Message] { [] }
  func changes(in room: RoomID, after event: Int64, limit: Int) async throws -> [RoomChange] { [] }
}

final class NoCommitter: JournalCommitter {
  let batch = 1
  func commit(_ batch: [Submission]) throws -> [Outcome] { [] }
}

/// Memberships alone.
struct FakeRooms: RoomStore {
  var owners: Set<UserID> = []

  func membership(room: RoomID, user: UserID) async throws -> Membership? {
    owners.contains(user) ? Membership(room: room, user: user, role: .owner, readSeq: 0) : nil
  }
  func markRead(room: RoomID, user: UserID, seq: Int64) async throws -> Membership? {
    Membership(room: room, user: user, role: .member, readSeq: seq)
  }

  private var unused: ChatError { ChatError(501, "unused", "Not part of these tests.") }
  func createUser(name: String, displayName: String?) async throws -> User { throw unused }
  func ensureUser(name: String) async throws -> User { throw unused }
  func user(named name: String) async throws -> User? { nil }
  func users(ids: [UserID]) async throws -> [User] { [] }
  func users(after: UserID, limit: Int) async throws -> [User] { [] }
  func updateUser(_ user: User, displayName: String?) async throws -> User { throw unused }
  func deleteUser(_ user: User, messages fate: MessageFate) async throws {}
  func deleteAllUsers() async throws -> UserID { 0 }
  func createRoom(_ new: NewRoom, by creator: User?) async throws -> (room: Room, position: RoomPosition) {
    throw unused
  }
  func room(_ id: RoomID) async throws -> Room? { nil }
  func room(named name: String) async throws -> Room? { nil }
  func summary(of id: RoomID, reader: UserID?) async throws -> RoomSummary? { nil }
  func rooms(_ filter: RoomFilter) async throws -> [RoomSummary] { [] }
  func roomIDs(_ filter: RoomFilter) async throws -> [RoomID] { [] }
  func updateRoom(_ id: RoomID, name: String??, topic: String??) async throws -> Room { throw unused }
  func members(of room: RoomID) async throws -> [Member] { [] }
  func memberships(of user: UserID) async throws -> [Membership] { [] }
  func addMember(_ user: User, to room: RoomID, role: Membership.Role) async throws -> Bool { false }
  func readScope(of user: UserID?, isAdmin: Bool) async throws -> ReadScope {
    ReadScope(isUnlimited: false, rooms: [], closedRooms: [])
  }
}
