import ChatRooms
import Drivers
import Foundation
import HistoryIndex

extension Command {
  static let export = Command(
    name: "export", summary: "Write rooms, users and messages to a file.",
    synopsis: "export [-o FILE[.zst]] [--room ROOM]… [FLAGS]",
    explanation: "Writes everything as one JSON object a line: rooms, users, memberships, then the messages, each in "
      + "its present state. 'palaver import' of the file into an installation of either profile gives the same; into "
      + "an empty one also the same ids. It may run beside servers: of each room it has every message up to one that "
      + "is looked up first, and none twice. Deleted messages keep their numbers, without their content; deleted rooms "
      + "are left out. A name that ends in .zst is compressed. Until the file is whole it is called FILE.part; where a "
      + "part of the history cannot be read, the command ends with status 1 and leaves no file.",
    options: [
      .json,
      CommandOption(
        "output", placeholder: "FILE", help: "Where it goes (-o); - or none is standard output.", short: "o"),
      CommandOption(
        "room", placeholder: "ROOM",
        help: "This room only, with its members and authors: a public room's name, or # and an id. May be repeated."),
    ],
    listedSettings: .backends,
    examples: [
      Example(line: "palaver export -o backup.ndjson.zst", meaning: "everything, with a progress bar"),
      Example(line: "palaver export --room lobby --room '#12' -o two.ndjson", meaning: "two rooms"),
      Example(
        line: "palaver export --data old | palaver import - --data new", meaning: "without a file, into another folder"),
    ]
  ) { context in
    _ = try context.positionals(0...0, "no arguments; the file is -o FILE")
    var configuration = try context.configuration(for: .maintenance)
    // What is only read stays as it is.
    configuration.isMigrating = false
    try configuration.requireFilledFolder()
    return try await Backends.with(configuration, context, isReading: true) { backends in
      try await ExportCommand(backends: backends, context: context).run()
    }
  }
}

private struct ExportCommand {
  var backends: Backends
  var context: CommandContext

  func run() async throws -> Int32 {
    let path = context.arguments.flags["output"] ?? "-"
    let only = try await rooms()
    let header = ExportHeader(
      id: UUID().uuidString.lowercased(), installation: backends.installation,
      exportedAt: Milliseconds(Date().timeIntervalSince1970 * 1_000))
    let exporter = Exporter(database: backends.database, history: backends.history, header: header, only: only)
    let output = try await Blocking.run { try ExportOutput(path: path) }
    var display = ProgressDisplay(
      name: path == "-" ? "export" : path, isTerminal: Terminal.isStandardError, write: Terminal.write)
    let start = ContinuousClock.now
    let summary: ExportSummary
    do {
      summary = try await exporter.run(to: output) { done, total in
        let fraction = total > 0 ? Double(done) / Double(total) : nil
        display.show(done: done, unit: "messages", fraction: fraction, now: .now)
      }
      display.finish()
    } catch {
      display.finish()
      throw error
    }
    // Standard output may be the export itself.
    let say = path == "-" ? context.complain : context.print
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    say(context.isJSON ? Self.json(summary, seconds) : Self.sentence(summary, seconds))
    return CommandLineProgram.Status.success
  }

  /// `nil` for all of them.
  private func rooms() async throws -> [RoomID]? {
    guard let names = context.arguments.lists["room"] else { return nil }
    var ids: [RoomID] = []
    for name in names {
      var room = try await backends.rooms.room(named: name)
      if room == nil, name.hasPrefix("#"), let id = RoomID(name.dropFirst()) {
        room = try await backends.rooms.room(id)
      }
      guard let room else { throw ChatError(404, "room_not_found", "There is no room '\(name)'.") }
      ids.append(room.id)
    }
    return ids
  }

  private static func json(_ summary: ExportSummary, _ seconds: Double) -> String {
    var writer = JSONWriter()
    writer.object {
      $0.member("rooms", summary.rooms)
      $0.member("users", summary.users)
      $0.member("members", summary.members)
      $0.member("messages", summary.messages)
      $0.member("deleted", summary.deleted)
      $0.member("bytes", summary.bytes)
      $0.member("importing", summary.importing)
      $0.key("seconds")
      $0.value((seconds * 1_000).rounded() / 1_000)
    }
    return writer.string
  }

  private static func sentence(_ summary: ExportSummary, _ seconds: Double) -> String {
    let rate = seconds > 0 ? Int64(Double(summary.messages) / seconds) : 0
    var text =
      "\(summary.messages) messages (\(summary.deleted) of them deleted) in \(summary.rooms) rooms, \(summary.users) "
      + "users, \(summary.members) memberships exported; \(ProgressDisplay.time(seconds)), \(rate) messages/s"
    if summary.importing > 0 {
      text += "; \(summary.importing) rooms are being imported and came as far as that has come"
    }
    return text
  }
}
