import ChatRooms

/// A room that an export's room comes into.
struct ExportTarget: Sendable {
  var room: Room
  /// How far the import has come.
  var position: RoomPosition
  /// The newest message that the export has of it.
  var expectedSeq: Int64
}

/// Gives an export's messages the places that they had: the same numbers, deleted ones as deleted.
///
/// A message that was changed takes two events: its own, and one for the change that it saw last.
struct ExportNumbering: LineNumbering {
  private var targets: [RoomID: ExportTarget]
  private let writer: CatalogueWriter
  private var progress: ImportProgress
  /// 0 for a name that nobody has, or had.
  private var users: [String: UserID] = [:]
  private var nextNumber = 0

  init(targets: [RoomID: ExportTarget], writer: CatalogueWriter, progress: ImportProgress) {
    self.targets = targets
    self.writer = writer
    self.progress = progress
  }

  /// - Throws: `ImportRefusal` for any line that does not follow on what came before: nothing may be left out.
  mutating func batch(of chunk: inout ImportChunk) async throws -> ImportBatch {
    if let bad = chunk.bad.first { throw ImportRefusal("line \(bad.line): \(bad.reason)") }
    if !chunk.users.isEmpty { try await writer.add(chunk.users, keepsIDs: false) }
    try await findUsers(Set(chunk.lines.map(\.line.user)).filter { users[$0] == nil })
    var batch = ImportBatch(number: nextNumber, events: [], progress: progress, rooms: [:])
    batch.events.reserveCapacity(chunk.lines.count)
    for (number, line) in chunk.lines { try add(line, number: number, to: &batch) }
    progress.bytes = chunk.offset
    progress.lines = chunk.lineCount
    progress.imported += Int64(chunk.lines.count)
    batch.progress = progress
    nextNumber += 1
    return batch
  }

  func finish() throws {
    for (id, target) in targets where target.position.lastSeq < target.expectedSeq {
      throw ImportRefusal(
        "the export was cut off: it has \(target.position.lastSeq) of the \(target.expectedSeq) messages of room \(id). "
          + "Run the import again with the whole file; it goes on from here")
    }
  }

  private mutating func findUsers(_ names: Set<String>) async throws {
    guard !names.isEmpty else { return }
    let found = try await writer.identities(named: Array(names))
    for name in names { users[name] = found[name]?.id ?? 0 }
  }

  private mutating func add(_ line: ImportLine, number: Int64, to batch: inout ImportBatch) throws {
    guard let state = line.exported, var target = targets[state.room] else {
      throw ImportRefusal("line \(number): a message of a room that the export does not have")
    }
    guard state.seq == target.position.lastSeq + 1, state.seq <= target.expectedSeq else {
      throw ImportRefusal(
        "line \(number): message \(state.seq) of room \(state.room) follows on \(target.position.lastSeq) of "
          + "\(target.expectedSeq): the export has a hole, or a line twice")
    }
    let room = target.room
    var message = Message(
      room: room.id, seq: state.seq, event: target.position.lastEvent + 1, revised: target.position.lastEvent + 1,
      user: line.user, userID: users[line.user] ?? 0, text: line.text, timestamp: line.timestamp, ref: line.ref,
      data: line.data, replyTo: line.replyTo, editedAt: state.editedAt, isDeleted: state.isDeleted)
    let kind: RoomEvent.Kind = state.isDeleted ? .deletion : state.editedAt != nil ? .edit : .message
    if kind != .message {
      message.revised += 1
      batch.changes[room.id, default: []].append(
        RoomChange(event: message.revised, seq: state.seq, kind: kind, lastSeq: state.seq))
    }
    target.position.lastEvent = message.revised
    target.position.lastSeq = state.seq
    target.position.lastMessageAt = line.timestamp
    targets[state.room] = target
    batch.rooms[room.id] = target.position
    batch.events.append(
      RoomEvent(
        kind: kind, event: message.revised, lastSeq: state.seq, message: message, timestamp: line.timestamp,
        lane: room.lane, position: 0, routing: room.routing, roomKind: room.kind, nonce: progress.nonce(ofLine: number))
    )
  }
}
