import ChatRooms
import Drivers
import Foundation

@testable import HistoryIndex

/// A journal and its leases in memory, for tests of what stands above them.
final class MemoryJournal: Journal, LaneLeases, @unchecked Sendable {
  let laneCount: Int
  private let lock = NSLock()
  private var lanes: [[RoomEvent]]
  private var trimmed: [Int]
  private var indexed: [Int64]
  private var numbers: [Int64]
  private var letters: [DeadLetter] = []
  private var isDown = false

  init(laneCount: Int = 4) {
    self.laneCount = laneCount
    lanes = Array(repeating: [], count: laneCount)
    trimmed = Array(repeating: 0, count: laneCount)
    indexed = Array(repeating: 0, count: laneCount)
    numbers = Array(repeating: 1, count: laneCount)
  }

  /// Appends; the lane and the position are filled in.
  @discardableResult
  func append(_ event: RoomEvent) -> RoomEvent {
    locked {
      var event = event
      event.lane = Int(event.room) % laneCount
      event.position = Int64(lanes[event.lane].count) + 1
      lanes[event.lane].append(event)
      return event
    }
  }

  var deadLetters: [DeadLetter] { locked { letters } }
  func setDown(_ isDown: Bool) { locked { self.isDown = isDown } }
  /// Another owner takes all lanes and gives them back: the numbers rise.
  func stealLeases() { locked { for lane in 0..<laneCount { numbers[lane] += 2 } } }
  var isDrained: Bool { locked { lanes.indices.allSatisfy { indexed[$0] == Int64(lanes[$0].count) } } }
  var isPartlyDrained: Bool { locked { indexed.contains { $0 > 0 } } }
  var trimmedCount: Int { locked { trimmed.reduce(0, +) } }
  func markIndexed() { locked { indexed = lanes.map { Int64($0.count) } } }
  func rewindCursors() { locked { indexed = Array(repeating: 0, count: laneCount) } }

  func makeCommitter() -> any JournalCommitter { Committer() }

  private final class Committer: JournalCommitter {
    let batch = 1

    func commit(_ batch: [Submission]) throws -> [Outcome] { batch.map { _ in .busy } }
  }

  func heads() async throws -> [LaneHead] {
    try working { lanes.indices.map { LaneHead(lane: $0, head: Int64(lanes[$0].count), indexed: indexed[$0]) } }
  }

  func events(lane: Int, after position: Int64, limit: Int) async throws -> [RoomEvent] {
    try working { Array(lanes[lane].dropFirst(max(Int(position), trimmed[lane])).prefix(limit)) }
  }

  func position(of room: RoomID) async throws -> RoomPosition? {
    try working {
      let events = lanes[Int(room) % laneCount].filter { $0.room == room }
      return events.last.map { RoomPosition(epoch: "e", lastEvent: $0.event, lastSeq: $0.lastSeq) }
    }
  }

  func messages(in room: RoomID, seqs: ClosedRange<Int64>) async throws -> [Message] {
    try working { present(room) { seqs.contains($0) } }
  }

  func messages(in room: RoomID, seqs: [Int64]) async throws -> [Message] {
    try working { present(room) { seqs.contains($0) } }
  }

  private func present(_ room: RoomID, where isWanted: (Int64) -> Bool) -> [Message] {
    let lane = Int(room) % laneCount
    var bySeq: [Int64: Message] = [:]
    for event in lanes[lane].dropFirst(trimmed[lane])
    where event.room == room && event.message.seq > 0 && isWanted(event.message.seq) {
      bySeq[event.message.seq] = event.message
    }
    return bySeq.values.sorted { $0.seq < $1.seq }
  }

  func changes(in room: RoomID, after event: Int64, limit: Int) async throws -> [RoomChange] { [] }

  func acquire(owner: String, seconds: Int) async throws -> [LaneLease] {
    try working { lanes.indices.map { LaneLease(lane: $0, number: numbers[$0], indexed: indexed[$0]) } }
  }

  func seize(owner: String, seconds: Int) async throws -> [LaneLease] {
    try working { for lane in lanes.indices { numbers[lane] += 1 } }
    return try await acquire(owner: owner, seconds: seconds)
  }

  func advance(_ lease: LaneLease, to position: Int64) async throws {
    try working {
      guard numbers[lease.lane] == lease.number else { throw LeaseLost() }
      indexed[lease.lane] = position
    }
  }

  func release(owner: String) async throws {}

  func bury(_ new: [DeadLetter], under lease: LaneLease) async throws {
    try working {
      guard numbers[lease.lane] == lease.number else { throw LeaseLost() }
      letters += new
    }
  }

  func trim(_ lease: LaneLease, keep: Milliseconds) async throws -> Int {
    try working {
      guard keep == 0 else { return 0 }
      let count = Int(lease.indexed) - trimmed[lease.lane]
      trimmed[lease.lane] += count
      return count
    }
  }

  private func working<Result>(_ body: () throws -> Result) throws -> Result {
    try locked {
      if isDown { throw SQLError(kind: .unavailable, code: 2006, message: "MySQL server has gone away") }
      return try body()
    }
  }

  private func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body()
  }
}

extension RoomEvent {
  /// The event that sends a message.
  static func sent(
    room: RoomID = 1, seq: Int64, event: Int64? = nil, user: String = "John", _ text: String,
    at timestamp: Milliseconds = 1_700_000_000_000, nonce: Int64? = nil, kind: Room.Kind = .public
  ) -> RoomEvent {
    let event = event ?? seq
    let message = Message(
      room: room, seq: seq, event: event, revised: event, user: user, userID: 7, text: text, timestamp: timestamp)
    return RoomEvent(
      kind: .message, event: event, lastSeq: seq, message: message, timestamp: timestamp, lane: 0, position: 0,
      routing: "\(room)", roomKind: kind, nonce: nonce ?? event &* 31)
  }

  func edited(event: Int64, _ text: String) -> RoomEvent {
    changed(.edit, event) {
      $0.text = text
      $0.editedAt = event
    }
  }
  func deleted(event: Int64) -> RoomEvent {
    changed(.deletion, event) {
      $0.text = ""
      $0.isDeleted = true
    }
  }

  private func changed(_ kind: Kind, _ event: Int64, _ change: (inout Message) -> Void) -> RoomEvent {
    var copy = self
    copy.kind = kind
    copy.event = event
    copy.message.revised = event
    copy.nonce = event &* 31
    change(&copy.message)
    return copy
  }
}

extension Room {
  static func test(_ id: RoomID, kind: Kind = .public) -> Room {
    Room(id: id, name: "r\(id)", topic: nil, kind: kind, lane: 0, routing: "\(id)", createdAt: 0)
  }
}
