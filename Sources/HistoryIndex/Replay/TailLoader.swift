import ChatRooms

/// Reads a room's tail from the journal and the history.
///
/// The reads are no snapshot: the position is read first, so what the later reads know beyond it comes again as events,
/// and `RoomTail` takes both.
protocol TailLoading: Sendable {
  /// - Throws: `ChatError`: 404 if there is no such room, 503 if its history cannot be read without a hole.
  func load(_ room: Room) async throws -> RoomTail
}

struct TailLoader: TailLoading {
  var journal: any Journal
  var history: any History

  func load(_ room: Room) async throws -> RoomTail {
    guard let position = try await journal.position(of: room.id) else { throw ChatError.roomNotFound(room.id) }
    let floor = max(0, position.lastEvent - Int64(HistoryLimits.join.upperBound))
    let firstSeq = max(1, position.lastSeq - Int64(HistoryLimits.block) + 1)
    let changes = try await changes(in: room.id, after: floor, through: position.lastEvent)
    let messages =
      firstSeq <= position.lastSeq ? try await history.messages(in: room, seqs: firstSeq...position.lastSeq) : []
    guard messages.count == Int(position.lastSeq - firstSeq + 1) else {
      throw ChatError.unavailable("The history of room \(room.id)")
    }
    let older = Set(changes.map(\.seq).filter { $0 > 0 && $0 < firstSeq }).sorted()
    return RoomTail(
      position: position, messages: messages, changes: changes, changesFloor: floor,
      olderChanged: older.isEmpty ? [] : try await history.messages(in: room, seqs: older))
  }

  /// At most as many as events lie between.
  private func changes(in room: RoomID, after floor: Int64, through last: Int64) async throws -> [RoomChange] {
    guard last > floor else { return [] }
    return try await journal.changes(in: room, after: floor, limit: Int(last - floor)).filter { $0.event <= last }
  }
}
