import ChatRooms
import Drivers

/// What an import did in this run.
public struct ImportSummary: Sendable, Equatable {
  public var lines: Int64 = 0
  public var imported: Int64 = 0
  public var rejected: Int64 = 0
  /// Lines that an earlier run had imported.
  public var skipped: Int64 = 0

  /// There were lines to import, and none of them was any good.
  public var isAllBad: Bool { rejected > 0 && imported == 0 }

  public init(lines: Int64 = 0, imported: Int64 = 0, rejected: Int64 = 0, skipped: Int64 = 0) {
    self.lines = lines
    self.imported = imported
    self.rejected = rejected
    self.skipped = skipped
  }

  public static func + (left: ImportSummary, right: ImportSummary) -> ImportSummary {
    ImportSummary(
      lines: left.lines + right.lines, imported: left.imported + right.imported,
      rejected: left.rejected + right.rejected, skipped: left.skipped + right.skipped)
  }
}

/// What the one who watches an import is told.
public enum ImportReport: Sendable {
  case bad(line: Int64, reason: String)
  /// `fraction`: how much of the input was read, where that can be known.
  case progress(ImportSummary, fraction: Double?)
}

/// Imports messages as they were said elsewhere: in the given order, with the given times.
///
/// One thread reads and parses, tasks render and send. An import that was killed goes on where it stood, without
/// doubles or holes, when it is run again with the same input.
public struct Importer: Sendable {
  private let store: any RoomStore
  let ledger: ImportLedger
  let sink: any ImportSink
  let journal: any Journal
  let roomPrefix: String

  /// - Parameter roomPrefix: stands before the name of every room.
  public init(
    store: any RoomStore, ledger: ImportLedger, sink: any ImportSink, journal: any Journal, roomPrefix: String = ""
  ) {
    self.store = store
    self.ledger = ledger
    self.sink = sink
    self.journal = journal
    self.roomPrefix = roomPrefix
  }

  /// - Parameters:
  ///   - path: of an NDJSON file, with zstd or without; `-` is standard input.
  ///   - report: called from the import's task, one line or chunk after the other.
  /// - Throws: `ImportSourceError`, `ImportRefusal`, or what a back end says. What was written stays, and counts.
  public func run(path: String, report: (ImportReport) -> Void) async throws -> ImportSummary {
    let input = try ImportFile(path: path).open(roomPrefix: roomPrefix)
    if input.isExport { return try await runExport(input.lines, source: input.source, report) }
    let source = input.source
    let progress = try await ledger.begin(source: source)
    let reader = ImportReader(input.lines, after: progress, linesPerChunk: sink.linesPerBatch)
    defer { reader.stop() }
    let numbering = ImportNumbering(
      store: store, ledger: ledger, roomPrefix: roomPrefix, source: source, progress: progress)
    let summary = try await transfer(
      from: reader, numbering, since: progress, skipped: progress.lines, report)
    try await announce(try await ledger.release(progress.id, isComplete: true))
    return summary
  }

  /// Gives back the rooms of an import that will not be run again. What it brought in stays.
  ///
  /// - Returns: how many rooms it held; `nil` if this source was never imported.
  public func abandon(path: String) async throws -> Int? {
    let input = try ImportFile(path: path).open(roomPrefix: roomPrefix)
    guard let progress = try await ledger.progress(of: input.source) else { return nil }
    let rooms = try await ledger.release(progress.id, isComplete: false)
    // Only rooms that it holds are an export's.
    if input.isExport { try await ledger.forget(progress.id) }
    try await announce(rooms)
    return rooms.count
  }

  /// An event of each room tells the servers that follow it to read it anew: they saw none of the import.
  func announce(_ rooms: [RoomID]) async throws {
    var waiting: [Submission] = []
    for id in rooms {
      guard let room = try await store.room(id) else { continue }
      let importer = User(id: 0, name: "", displayName: nil, createdAt: 0)
      waiting.append(Submission(room: room, action: .announceImport, actor: importer, ref: nil))
    }
    guard !waiting.isEmpty else { return }
    let writer = JournalWriter(journal: journal, writers: 1, metrics: Metrics(), log: .silent) { _ in }
    let announced = await withTaskGroup(of: Result<Void, ChatError>.self) { group in
      for submission in waiting {
        group.addTask { () async -> Result<Void, ChatError> in
          do throws(ChatError) {
            _ = try await writer.submit(submission)
            return .success(())
          } catch {
            return .failure(error)
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    await Blocking.run(writer.stop)
    for result in announced { try result.get() }
  }

  private enum Step: Sendable {
    case wrote(ImportBatch)
    case recorded
  }

  /// - Parameter skipped: lines that an earlier run had imported.
  func transfer(
    from reader: ImportReader, _ numbering: some LineNumbering, since begin: ImportProgress, skipped: Int64,
    _ report: (ImportReport) -> Void
  ) async throws -> ImportSummary {
    var numbering = numbering
    var summary = ImportSummary(skipped: skipped)
    try await withThrowingTaskGroup(of: Step.self) { group in
      var checkpoints = ImportCheckpoints(lines: begin.lines, now: .now)
      var underWay = 0
      func settle(_ step: Step?, isForced: Bool = false) {
        switch step {
        case .wrote(var batch):
          underWay -= 1
          batch.events = []
          checkpoints.wrote(batch)
        case .recorded: checkpoints.recorded()
        case nil: break
        }
        if let due = checkpoints.takeDue(now: .now, isForced: isForced) {
          group.addTask { [sink] in
            try await sink.record(due)
            return .recorded
          }
        }
      }
      for try await var chunk in reader.chunks {
        reader.taken()
        let batch = try await numbering.batch(of: &chunk)
        for bad in chunk.bad { report(.bad(line: bad.line, reason: bad.reason)) }
        summary.lines = batch.progress.lines - begin.lines
        summary.imported = batch.progress.imported - begin.imported
        summary.rejected = batch.progress.rejected - begin.rejected
        if let cutOff = chunk.cutOff {
          report(.bad(line: cutOff.line, reason: cutOff.reason))
          summary.lines += 1
          summary.rejected += 1
        }
        report(.progress(summary, fraction: chunk.fraction))
        while underWay >= sink.concurrency { settle(try await group.next()) }
        underWay += 1
        group.addTask { [sink] in
          try await sink.write(batch)
          return .wrote(batch)
        }
      }
      while let step = try await group.next() { settle(step, isForced: true) }
    }
    try numbering.finish()
    return summary
  }
}
