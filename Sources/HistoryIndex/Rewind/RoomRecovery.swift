import ChatRooms

/// What brings back into the journal what the index alone still has of a room: rows for its lost messages and changes,
/// under the numbers that they had. Pure.
///
/// A number that not even the index has becomes a deleted message, so that `seq` stays dense: it was acknowledged, but
/// its text was nowhere but in the database.
struct RoomRecovery {
  private(set) var rows: [JournalRow] = []
  /// The room's counters afterwards.
  private(set) var counters: RoomCounters
  /// The lane's newest position afterwards.
  private(set) var head: Int64
  /// Messages that are gone for good.
  private(set) var holes = 0
  private let room: Room

  /// Numbers between two messages that could be missing. More make no sense: the index is not this room's.
  static let mostHoles: Int64 = 1_000_000

  struct Nonsense: Error, CustomStringConvertible {
    var room: RoomID
    var description: String { "The index's numbers of room \(room) do not go on from the database's" }
  }

  /// Whether the index has a state of a message that the room, as the database knows it, cannot have come to.
  static func isLost(_ document: RoomEvent, _ counters: RoomCounters) -> Bool {
    // While an import is under way the index is ahead of the counters, as it should be.
    guard !counters.isImporting, !counters.isClosed else { return false }
    return document.event > counters.lastEvent || document.message.seq > counters.lastSeq
  }

  /// - Parameters:
  ///   - documents: of the room; those that are not lost are passed over, and of several states of a message, as two
  ///     generations of the index may have them, all but the last.
  ///   - head: of the room's lane, locked.
  init(of room: Room, _ documents: [RoomEvent], counters: RoomCounters, head: Int64) throws {
    self.room = room
    self.counters = counters
    self.head = head
    let lost = Dictionary(
      documents.filter { Self.isLost($0, counters) }.map { ($0.message.seq, $0) },
      uniquingKeysWith: { $0.event < $1.event ? $1 : $0 }
    ).values.sorted { $0.message.seq < $1.message.seq }
    guard let last = lost.last else { return }
    self.counters.lastEvent = max(counters.lastEvent, lost.map(\.event).max() ?? 0)
    self.counters.lastSeq = max(counters.lastSeq, last.message.seq)
    self.counters.lastMessageAt = lost.map(\.message.timestamp).reduce(counters.lastMessageAt ?? 0, max)
    guard self.counters.lastSeq - counters.lastSeq <= Self.mostHoles + Int64(lost.count) else {
      throw Nonsense(room: room.id)
    }
    var next = counters.lastSeq + 1
    for document in lost {
      while next < document.message.seq {
        append(hole(next, at: document.message.timestamp))
        next += 1
      }
      if document.message.seq == next { next += 1 }
      append(document)
    }
  }

  private mutating func append(_ document: RoomEvent) {
    head += 1
    var event = document
    event.lane = room.lane
    event.position = head
    event.lastSeq = counters.lastSeq
    event.routing = room.routing
    event.roomKind = room.kind
    rows.append(JournalRow(event: event, ref: event.message.isDeleted ? nil : event.message.ref))
  }

  private mutating func hole(_ seq: Int64, at time: Milliseconds) -> RoomEvent {
    holes += 1
    counters.lastEvent += 1
    let message = Message(
      room: room.id, seq: seq, event: counters.lastEvent, revised: counters.lastEvent, user: "", userID: 0, text: "",
      timestamp: time, isDeleted: true)
    return RoomEvent(
      kind: .deletion, event: counters.lastEvent, lastSeq: counters.lastSeq, message: message, timestamp: time,
      lane: room.lane, position: 0, routing: room.routing, roomKind: room.kind, nonce: .random(in: .min ... .max))
  }
}
