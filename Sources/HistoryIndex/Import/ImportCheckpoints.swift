import ChatRooms

/// Decides when an import records where it stands: what was written without a gap from the beginning on, about every
/// two seconds. Pure; one record is under way at a time.
struct ImportCheckpoints {
  static let interval = Duration.seconds(2)
  static let lines: Int64 = 50_000

  private var written: [Int: ImportBatch] = [:]
  private var nextNumber = 0
  private var pending: ImportCheckpoint?
  private var isRecording = false
  private var last: (lines: Int64, at: ContinuousClock.Instant)

  init(lines: Int64, now: ContinuousClock.Instant) { last = (lines, now) }

  /// A batch is in the history. Its messages are no longer needed.
  mutating func wrote(_ batch: ImportBatch) {
    written[batch.number] = batch
    while let batch = written.removeValue(forKey: nextNumber) {
      nextNumber += 1
      let rooms = (pending?.rooms ?? [:]).merging(batch.rooms) { $1 }
      let changes = (pending?.changes ?? [:]).merging(batch.changes) { $0 + $1 }
      pending = ImportCheckpoint(progress: batch.progress, rooms: rooms, changes: changes)
    }
  }

  mutating func recorded() { isRecording = false }

  /// What is to be recorded now, if anything.
  ///
  /// - Parameter isForced: whether or not it is time.
  mutating func takeDue(now: ContinuousClock.Instant, isForced: Bool = false) -> ImportCheckpoint? {
    guard !isRecording, let checkpoint = pending else { return nil }
    guard isForced || now - last.at >= Self.interval || checkpoint.progress.lines - last.lines >= Self.lines else {
      return nil
    }
    pending = nil
    isRecording = true
    last = (checkpoint.progress.lines, now)
    return checkpoint
  }
}
