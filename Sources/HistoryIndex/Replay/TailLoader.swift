import ChatRooms

/// Reads a room's tail from the journal and the history.
///
/// The reads are no snapshot: the position is read first, so what the later reads know beyond it comes again as events,
/// and `RoomTail` takes both.
protocol TailLoading: Sendable {
  /// - Parameter count: messages, where the room has so many; at most `HistoryLimits.block`.
  /// - Throws: `ChatError`: 404 if there is no such room, 503 if the database does not answer. While the history alone
  ///   does not, the tail is partial.
  func load(_ room: Room, newest count: Int) async throws -> RoomTail
}

struct TailLoader: TailLoading {
  var journal: any Journal
  var history: any History
  /// For the history's part of a load.
  var patience = HistoryPatience.read

  func load(_ room: Room, newest count: Int) async throws -> RoomTail {
    guard let position = try await journal.position(of: room.id) else { throw ChatError.roomNotFound(room.id) }
    let floor = max(0, position.lastEvent - Int64(HistoryLimits.join.upperBound))
    let changes = try await changes(in: room.id, after: floor, through: position.lastEvent)
    let first = max(1, position.lastSeq - Int64(count) + 1)
    let (messages, older) = try await read(room, first: first, last: position.lastSeq, changes)
    try await journal.flush()
    return RoomTail(
      position: position, messages: messages, changes: changes, changesFloor: floor, olderChanged: older,
      capacity: count)
  }

  private typealias Messages = (newest: [Message], olderChanged: [Message])

  private func read(_ room: Room, first: Int64, last: Int64, _ changes: [RoomChange]) async throws -> Messages {
    guard first <= last else { return ([], []) }
    let older = Set(changes.map(\.seq).filter { $0 > 0 && $0 < first }).sorted()
    do {
      return try await HistoryPatience.limit(patience, "The history of room \(room.id)") { [history] in
        let newest = try await history.messages(in: room, seqs: first...last)
        guard newest.count == Int(last - first + 1) else {
          throw ChatError.unavailable("The history of room \(room.id)")
        }
        return (newest, older.isEmpty ? [] : try await history.messages(in: room, seqs: older))
      }
    } catch let error as ChatError where error.status == 503 {
      return try await readJournal(room, first: first, last: last, older)
    }
  }

  /// What the journal keeps, while the history does not answer: the newest messages without a hole, perhaps none.
  private func readJournal(_ room: Room, first: Int64, last: Int64, _ older: [Int64]) async throws -> Messages {
    let kept = try await journal.messages(in: room.id, seqs: first...last)
    let newest = zip(kept.reversed(), sequence(first: last) { $0 - 1 }).prefix { $0.seq == $1 }.map(\.0)
    let changed = older.isEmpty ? [] : try await journal.messages(in: room.id, seqs: older)
    return (newest.reversed(), changed)
  }

  /// At most as many as events lie between.
  private func changes(in room: RoomID, after floor: Int64, through last: Int64) async throws -> [RoomChange] {
    guard last > floor else { return [] }
    return try await journal.changes(in: room, after: floor, limit: Int(last - floor)).filter { $0.event <= last }
  }
}
