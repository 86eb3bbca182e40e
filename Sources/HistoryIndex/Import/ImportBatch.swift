import ChatRooms

/// How far an import has come, from its beginning.
public struct ImportProgress: Sendable, Equatable {
  /// The row of `imports`.
  public var id: Int64
  /// Bytes of the decompressed stream.
  public var bytes: Int64
  public var lines: Int64
  /// Lines that became messages.
  public var imported: Int64
  /// Lines that did not.
  public var rejected: Int64

  /// For the event of a line. The same for the same line every time, so that a repeated import makes the same documents.
  func nonce(ofLine line: Int64) -> Int64 {
    let bits = UInt64(bitPattern: id << 40 ^ line)
    let bytes = (0..<8).lazy.map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
    return Int64(bitPattern: FNV1a.hash(bytes))
  }

  public init(id: Int64, bytes: Int64 = 0, lines: Int64 = 0, imported: Int64 = 0, rejected: Int64 = 0) {
    self.id = id
    self.bytes = bytes
    self.lines = lines
    self.imported = imported
    self.rejected = rejected
  }
}

/// Messages with their numbers, on their way into the history.
public struct ImportBatch: Sendable {
  /// 0, 1, 2 … within a run.
  public var number: Int
  public var events: [RoomEvent]
  /// Where the import stands with this batch and all before it.
  public var progress: ImportProgress
  /// Where the rooms of this batch stand then.
  public var rooms: [RoomID: RoomPosition]
  /// What happened to the messages after they were sent, rising by event.
  public var changes: [RoomID: [RoomChange]] = [:]
}

/// What is known to be in the history for good.
public struct ImportCheckpoint: Sendable, Equatable {
  public var progress: ImportProgress
  /// Rooms that have moved since the last checkpoint.
  public var rooms: [RoomID: RoomPosition]
  /// Changes of their messages since then.
  public var changes: [RoomID: [RoomChange]] = [:]
}

/// Where an import's messages go.
///
/// What is sent again after a crash is the same messages with the same numbers: writing them twice leaves one of each.
public protocol ImportSink: Sendable {
  /// Batches that may be under way at once, in any order.
  var concurrency: Int { get }
  /// Lines that a batch is of at most.
  var linesPerBatch: Int { get }
  /// - Throws: what the back end says, once it is clear that trying again will not help.
  func write(_ batch: ImportBatch) async throws
  /// Records where the import stands. All batches up to there have been written.
  func record(_ checkpoint: ImportCheckpoint) async throws
}
