import ChatRooms
import Drivers
import Foundation
import HistoryIndex

extension Command {
  static let importing = Command(
    name: "import", summary: "Bring in messages that were said elsewhere.",
    synopsis: "import FILE… [--room-prefix P] [--abandon] [FLAGS]",
    explanation:
      "Reads files of one JSON object a line, {\"room\", \"user\", \"timestamp\", \"text\"} and, where there "
      + "are, \"data\", \"ref\" and \"reply_to\"; compressed with zstd or not; - is standard input. Times are "
      + "milliseconds since 1970 and are kept. Rooms (public, by name) and users are made on the way. A line that "
      + "cannot be read is reported with its number and left out; one that the file ends within is read again when the file "
      + "has grown. Ends with status 1 where there were lines and all were left out. A file of 'palaver export' brings its own rooms, "
      + "users and memberships, and every message with its number. While it runs, nobody else can send to the rooms "
      + "that it fills. An import that was stopped, even by kill -9, goes on where it stood when it is run again with "
      + "the same file; one that had ended brings in only what the file has gained.",
    options: [
      .json,
      CommandOption("room-prefix", placeholder: "PREFIX", help: "Put before the name of every room."),
      CommandOption("abandon", help: "Give up an import that was stopped: its rooms take messages again."),
      CommandOption("quiet", help: "Do not report single bad lines."),
    ],
    listedSettings: .backends,
    examples: [
      Example(line: "palaver import history.ndjson.zst", meaning: "imports a file, with a progress bar"),
      Example(line: "zcat old.gz | palaver import - --room-prefix old/", meaning: "imports into rooms old/…"),
      Example(line: "palaver import *.ndjson --json", meaning: "one JSON summary on standard output at the end"),
    ]
  ) { context in
    let paths = try context.positionals(1...10_000, "FILE…, or - for standard input")
    guard paths.filter({ $0 == "-" }).count <= 1 else { throw ConfigurationError("standard input can be read once") }
    let configuration = try context.configuration(for: .maintenance)
    return try await Backends.with(configuration, context, log: .warning) { backends in
      try await ImportCommand(backends: backends, context: context).run(paths)
    }
  }
}

private struct ImportCommand {
  var backends: Backends
  var context: CommandContext

  func run(_ paths: [String]) async throws -> Int32 {
    let prefix = context.arguments.flags["room-prefix"] ?? ""
    let ledger = ImportLedger(database: backends.database)
    let importer = Importer(
      store: backends.rooms, ledger: ledger, sink: backends.importSink(ledger), journal: backends.journal,
      roomPrefix: prefix)
    if context.arguments.isOn("abandon") { return try await abandon(paths, with: importer) }
    let start = ContinuousClock.now
    var total = ImportSummary()
    for path in paths {
      let display = ProgressDisplay(name: path, isTerminal: Terminal.isStandardError, write: Terminal.write)
      total = total + (try await importFile(path, with: importer, display))
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    context.print(context.isJSON ? Self.json(total, seconds) : Self.sentence(total, seconds))
    return total.isAllBad ? CommandLineProgram.Status.failure : CommandLineProgram.Status.success
  }

  private func abandon(_ paths: [String], with importer: Importer) async throws -> Int32 {
    for path in paths {
      guard let rooms = try await importer.abandon(path: path) else {
        context.complain("\(path): was never imported")
        return CommandLineProgram.Status.failure
      }
      context.print("\(path): given up; \(rooms) rooms take messages again, with what was imported so far")
    }
    return CommandLineProgram.Status.success
  }

  private func importFile(
    _ path: String, with importer: Importer, _ display: ProgressDisplay
  ) async throws -> ImportSummary {
    var display = display
    let isQuiet = context.arguments.isOn("quiet")
    let summary = try await importer.run(path: path) { report in
      switch report {
      case .bad(let line, let reason): if !isQuiet { display.interrupt("\(path):\(line): left out: \(reason)") }
      case .progress(let summary, let fraction):
        display.show(done: summary.lines, unit: "lines", fraction: fraction, now: .now)
      }
    }
    display.finish()
    if summary.lines == 0, summary.skipped > 0 {
      context.complain("\(path): all of its \(summary.skipped) lines had been dealt with before")
    }
    return summary
  }

  private static func json(_ summary: ImportSummary, _ seconds: Double) -> String {
    var writer = JSONWriter()
    writer.object {
      $0.member("lines", summary.lines)
      $0.member("imported", summary.imported)
      $0.member("rejected", summary.rejected)
      $0.member("skipped", summary.skipped)
      $0.key("seconds")
      $0.value((seconds * 1_000).rounded() / 1_000)
    }
    return writer.string
  }

  private static func sentence(_ summary: ImportSummary, _ seconds: Double) -> String {
    let rate = seconds > 0 ? Int64(Double(summary.lines) / seconds) : 0
    return "\(summary.imported) messages imported, \(summary.rejected) lines left out, \(summary.skipped) dealt with "
      + "before; \(ProgressDisplay.time(seconds)), \(rate) lines/s"
  }
}
