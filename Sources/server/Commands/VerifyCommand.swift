import ChatRooms
import Drivers
import HistoryIndex

extension Command {
  static let verify = Command(
    name: "verify", summary: "Compare what the stores hold, and repair the index.",
    synopsis: "verify [--room N] [--repair] [FLAGS]",
    explanation: "Looks for what must not be: holes in the journal, rooms whose counters or changes do not add up, "
      + "messages that the index lacks or holds in an earlier state, documents that nobody knows of. With MySQL and "
      + "Elasticsearch it works beside running servers, and what is only on its way is no finding. The embedded profile "
      + "is verified while its server is stopped: the file itself, counters, changes, and the index of words. --repair "
      + "writes again what the journal still has (the index of words: all of it) and raises counters that are behind; "
      + "what it cannot repair it says, with the reason. Ends with status 0 if nothing is wrong any more, with 1 "
      + "otherwise.",
    options: [
      .json,
      CommandOption("room", placeholder: "N", help: "This room only."),
      CommandOption("repair", help: "Repair what can be repaired."),
    ],
    listedSettings: .backends,
    examples: [
      Example(line: "palaver verify", meaning: "compares everything, with a progress bar; changes nothing"),
      Example(line: "palaver verify --room 7 --repair", meaning: "writes again what the index lacks of room 7"),
      Example(line: "palaver verify --json", meaning: "one JSON object a finding, and a summary at the end"),
    ]
  ) { context in
    _ = try context.positionals(0...0, "no arguments")
    let room = context.arguments.flags["room"]
    if let room, RoomID(room) == nil { throw ConfigurationError("--room", got: room, expected: "a room's id") }
    let configuration = try context.configuration(for: .maintenance)
    try configuration.requireFilledFolder()
    return try await Backends.with(configuration, context) { backends in
      let only = room.flatMap { RoomID($0) }
      if let only, try await backends.rooms.room(only) == nil { throw ChatError.roomNotFound(only) }
      return try await VerifyCommand(backends: backends, context: context).run(only: only)
    }
  }
}

private struct VerifyCommand {
  var backends: Backends
  var context: CommandContext

  func run(only: RoomID?) async throws -> Int32 {
    var display = ProgressDisplay(name: "verify", isTerminal: Terminal.isStandardError, write: Terminal.write)
    let start = ContinuousClock.now
    let summary = try await verify(only) { report in
      switch report {
      case .progress(let done, let total):
        display.show(
          done: done, unit: "messages", fraction: total > 0 ? Double(done) / Double(total) : nil, now: .now)
      case .finding(let finding):
        display.finish()
        context.print(context.isJSON ? Self.json(finding) : Self.line(finding))
      }
    }
    display.finish()
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    context.print(context.isJSON ? Self.json(summary, seconds) : Self.sentence(summary, seconds))
    return summary.isClean ? CommandLineProgram.Status.success : CommandLineProgram.Status.failure
  }

  private func verify(_ only: RoomID?, _ report: (VerifyReport) -> Void) async throws -> VerifySummary {
    let isRepairing = context.arguments.isOn("repair")
    if let index = backends.index {
      return try await StackVerifier(
        database: backends.database, client: index.client, names: index.names, isRepairing: isRepairing
      ).run(only: only, report)
    }
    guard let database = backends.database as? SQLiteDatabase else { return VerifySummary() }
    return try await SQLiteVerifier(database: database, isRepairing: isRepairing).run(only: only, report)
  }

  private static func line(_ finding: Finding) -> String {
    var place: [String] = []
    if let room = finding.room { place.append("room \(room)") }
    if let lane = finding.lane { place.append("lane \(lane)") }
    if let numbers = finding.numbers {
      let unit =
        switch finding.kind {
        case .journalHole: "position"
        case .changes: "event"
        default: "message"
        }
      let isOne = numbers.lowerBound == numbers.upperBound
      place.append(isOne ? "\(unit) \(numbers.lowerBound)" : "\(unit)s \(numbers.lowerBound) to \(numbers.upperBound)")
    }
    let end =
      switch finding.repair {
      case .untried: ""
      case .done: "; repaired"
      case .impossible(let why): "; not repaired: \(why)"
      }
    let head = place.isEmpty ? finding.kind.rawValue : "\(finding.kind.rawValue): \(place.joined(separator: ", "))"
    return "\(head): \(finding.detail)\(end)"
  }

  private static func json(_ finding: Finding) -> String {
    var writer = JSONWriter()
    writer.object {
      $0.member("kind", finding.kind.rawValue)
      $0.member("room", ifPresent: finding.room)
      $0.member("lane", ifPresent: finding.lane.map(Int64.init))
      $0.member("first", ifPresent: finding.numbers?.lowerBound)
      $0.member("last", ifPresent: finding.numbers?.upperBound)
      $0.member("detail", finding.detail)
      $0.member("repaired", finding.repair == .done)
      if case .impossible(let why) = finding.repair { $0.member("reason", why) }
    }
    return writer.string
  }

  private static func json(_ summary: VerifySummary, _ seconds: Double) -> String {
    var writer = JSONWriter()
    writer.object {
      $0.member("rooms", summary.rooms)
      $0.member("messages", summary.messages)
      $0.member("importing", summary.importing)
      $0.member("problems", summary.problems)
      $0.member("repaired", summary.repaired)
      $0.member("clean", summary.isClean)
      $0.key("seconds")
      $0.value((seconds * 1_000).rounded() / 1_000)
    }
    return writer.string
  }

  private static func sentence(_ summary: VerifySummary, _ seconds: Double) -> String {
    var text = "\(summary.rooms) rooms, \(summary.messages) messages in \(ProgressDisplay.time(seconds)): "
    text += summary.problems == 0 ? "all is well" : "\(summary.problems) problems, \(summary.repaired) repaired"
    if summary.importing > 0 { text += "; \(summary.importing) rooms are being imported and were left out" }
    return text
  }
}
