import ChatRooms
import Foundation

/// Gives lines their rooms, authors and numbers.
protocol LineNumbering: Sendable {
  /// The chunk's messages.
  mutating func batch(of chunk: inout ImportChunk) async throws -> ImportBatch
  /// All lines were read.
  ///
  /// - Throws: `ImportRefusal` if some are missing.
  func finish() throws
}

/// Takes lines as they come, making rooms and users on the way.
struct ImportNumbering: LineNumbering {
  private let store: any RoomStore
  private let ledger: ImportLedger
  private let roomPrefix: String
  private let source: String

  private struct Target {
    var room: Room
    var position: RoomPosition
  }

  /// By name: indices of `targets`.
  private var rooms: [String: Result<Int, BadLine>] = [:]
  private var targets: [Target] = []
  private var users: [String: Result<User, BadLine>] = [:]
  private var progress: ImportProgress
  private var nextNumber = 0

  init(
    store: any RoomStore, ledger: ImportLedger, roomPrefix: String, source: String, progress: ImportProgress
  ) {
    self.store = store
    self.ledger = ledger
    self.roomPrefix = roomPrefix
    self.source = source
    self.progress = progress
  }

  /// The chunk's messages, and in `chunk.bad` also the lines whose names are none.
  mutating func batch(of chunk: inout ImportChunk) async throws -> ImportBatch {
    try await findNames(in: chunk)
    var events: [RoomEvent] = []
    events.reserveCapacity(chunk.lines.count)
    var touched: Set<Int> = []
    for (number, line) in chunk.lines {
      switch event(for: line, number: number, touched: &touched) {
      case .success(let event): events.append(event)
      case .failure(let bad): chunk.bad.append(ImportChunk.Bad(line: number, reason: bad.reason))
      }
    }
    let moved = touched.reduce(into: [:]) { $0[targets[$1].room.id] = targets[$1].position }
    progress.bytes = chunk.offset
    progress.lines = chunk.lineCount
    progress.imported += Int64(events.count)
    progress.rejected += Int64(chunk.bad.count)
    defer { nextNumber += 1 }
    return ImportBatch(number: nextNumber, events: events, progress: progress, rooms: moved)
  }

  private mutating func findNames(in chunk: ImportChunk) async throws {
    var newUsers: Set<String> = []
    var newRooms: Set<String> = []
    for (_, line) in chunk.lines {
      if users[line.user] == nil { newUsers.insert(line.user) }
      if rooms[line.room] == nil { newRooms.insert(line.room) }
    }
    try await findUsers(newUsers)
    for name in newRooms {
      switch try await target(name) {
      case .success(let target):
        rooms[name] = .success(targets.count)
        targets.append(target)
      case .failure(let bad): rooms[name] = .failure(bad)
      }
    }
  }

  private mutating func event(
    for line: ImportLine, number: Int64, touched: inout Set<Int>
  ) -> Result<RoomEvent, BadLine> {
    guard case .success(let user)? = users[line.user] else { return .failure(Self.failure(users[line.user])) }
    guard case .success(let index)? = rooms[line.room] else { return .failure(Self.failure(rooms[line.room])) }
    touched.insert(index)
    targets[index].position.lastEvent += 1
    targets[index].position.lastSeq += 1
    targets[index].position.lastMessageAt = line.timestamp
    let (position, room) = (targets[index].position, targets[index].room)
    let message = Message(
      room: room.id, seq: position.lastSeq, event: position.lastEvent, revised: position.lastEvent, user: user.name,
      userID: user.id, text: line.text, timestamp: line.timestamp, ref: line.ref, data: line.data,
      replyTo: line.replyTo.flatMap { $0 < position.lastSeq ? $0 : nil })
    return .success(
      RoomEvent(
        kind: .message, event: position.lastEvent, lastSeq: position.lastSeq, message: message,
        timestamp: line.timestamp, lane: room.lane, position: 0, routing: room.routing, roomKind: room.kind,
        nonce: progress.nonce(ofLine: number)))
  }

  func finish() {}

  private static func failure<Value>(_ result: Result<Value, BadLine>?) -> BadLine {
    if case .failure(let bad)? = result { bad } else { BadLine("unknown name") }
  }

  private func target(_ name: String) async throws -> Result<Target, BadLine> {
    let fullName = (roomPrefix + name).precomposedStringWithCanonicalMapping
    do {
      let room: Room
      if let known = try await store.room(named: fullName) {
        room = known
      } else {
        room = try await store.createRoom(NewRoom(name: fullName), by: nil).room
      }
      return .success(Target(room: room, position: try await ledger.claim(room, for: progress.id)))
    } catch let error as ChatError where (400..<500).contains(error.status) {
      return .failure(BadLine("room: \(error.message)"))
    }
  }

  /// Several at once: each new user is a transaction, and databases flush those of several connections together.
  private mutating func findUsers(_ names: Set<String>) async throws {
    let store = store
    try await withThrowingTaskGroup(of: (String, Result<User, BadLine>).self) { group in
      var waiting = Array(names)
      for _ in 0..<16 {
        guard let name = waiting.popLast() else { break }
        group.addTask { (name, try await Self.user(name, in: store)) }
      }
      while let (name, result) = try await group.next() {
        users[name] = result
        if let next = waiting.popLast() { group.addTask { (next, try await Self.user(next, in: store)) } }
      }
    }
  }

  private static func user(_ name: String, in store: any RoomStore) async throws -> Result<User, BadLine> {
    // As an export has the messages of those who were deleted.
    if name == DeletedUser.name { return .success(DeletedUser.user) }
    do {
      return .success(try await store.ensureUser(name: name.precomposedStringWithCanonicalMapping))
    } catch let error as ChatError where (400..<500).contains(error.status) {
      return .failure(BadLine("user: \(error.message)"))
    }
  }
}
