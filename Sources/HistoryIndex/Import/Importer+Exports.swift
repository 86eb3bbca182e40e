import ChatRooms

extension Importer {
  /// Imports what `palaver export` has written, into rooms of its own.
  func runExport(
    _ lines: LineReader, source: String, _ report: (ImportReport) -> Void
  ) async throws -> ImportSummary {
    if let done = try await ledger.finished(source: source) { return ImportSummary(skipped: done.lines) }
    let earlier = try await ledger.progress(of: source)
    var catalogue = ExportCatalogue(
      lines, ledger: ledger, laneCount: journal.laneCount, roomPrefix: roomPrefix, source: source)
    let begun = try await catalogue.run()
    let progress = begun.progress
    let writer = CatalogueWriter(database: ledger.database, laneCount: journal.laneCount, importID: progress.id)
    let numbering = ExportNumbering(targets: begun.targets, writer: writer, progress: progress)
    let reader = ImportReader(
      begun.lines, after: progress, linesPerChunk: sink.linesPerBatch, format: .export)
    defer { reader.stop() }
    // The catalogue's lines were read in this run, and hold no messages.
    let summary = try await transfer(
      from: reader, numbering, since: progress, skipped: earlier?.lines ?? 0, report)
    try await announce(try await ledger.release(progress.id, isComplete: true))
    return summary
  }
}
