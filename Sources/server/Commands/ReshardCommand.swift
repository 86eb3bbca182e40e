import Drivers
import Foundation
import HistoryIndex

extension Command {
  static let reshard = Command(
    name: "reshard", summary: "Move the history into an index with other shards, while servers run.",
    synopsis: "reshard --shards N | --remove-old  [FLAGS]",
    explanation: "Copies the history into a new generation of the index in Elasticsearch, brings after what happens "
      + "meanwhile, and changes over in one step. Servers go on sending, delivering and searching. The old generation "
      + "stays until --remove-old; the disk must hold both. With the same number of shards this brings an old index to "
      + "this version's mapping.",
    options: [
      .json, CommandOption("shards", placeholder: "N", help: "Primary shards of the new generation, 1 to 128."),
      CommandOption("rate", placeholder: "N", help: "Documents copied a second at most (as many as can be)."),
      CommandOption("remove-old", help: "Delete the generations that are not used any more."),
    ],
    listedSettings: .backends,
    examples: [
      Example(line: "palaver reshard --shards 4 --rate 5000", meaning: "four shards; searches stay quick meanwhile"),
      Example(line: "palaver reshard --remove-old", meaning: "frees the disk of what was used before"),
    ]
  ) { context in
    _ = try context.positionals(0...0, "no arguments")
    let shards = try number("shards", 1...128, context)
    let rate = try number("rate", 1...1_000_000, context)
    let removesOld = context.arguments.isOn("remove-old")
    guard (shards != nil) != removesOld else { throw ConfigurationError("expected either --shards N or --remove-old") }
    let configuration = try context.configuration(for: .maintenance)
    return try await Backends.with(configuration, context) { backends in
      guard let index = backends.index else {
        throw ConfigurationError("the embedded profile has no shards: give --database, --redis and --elasticsearch")
      }
      let resharding = Resharding(
        journal: backends.journal, leases: index.leases, client: index.client, names: index.names,
        imports: ImportLedger(database: backends.database), shards: shards ?? 1, owner: "reshard-\(UUID().uuidString)",
        log: Log(level: .warning))
      let command = ReshardCommand(resharding: resharding, context: context)
      try await removesOld ? command.removeOld() : command.move(rate)
      return CommandLineProgram.Status.success
    }
  }

  private static func number(
    _ name: String, _ range: ClosedRange<Int>, _ context: CommandContext
  ) throws(ConfigurationError) -> Int? {
    guard let text = context.arguments.flags[name] else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw ConfigurationError("--\(name)", got: text, expected: "\(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}

private struct ReshardCommand {
  var resharding: Resharding
  var context: CommandContext

  func move(_ rate: Int?) async throws {
    let display = SharedProgressDisplay(name: "reshard")
    let outcome = try await resharding.run(documentsPerSecond: rate) { progress in
      switch progress {
      case .copying(let done, let total):
        display.show(done: done, unit: "documents", fraction: total > 0 ? Double(done) / Double(total) : nil)
      case .following: break
      }
    }
    display.finish()
    report(outcome)
  }

  private func report(_ outcome: Resharding.Outcome) {
    let pause = Int64((outcome.pause / .milliseconds(1)).rounded())
    guard context.isJSON else {
      return context.print(
        "generation \(outcome.generation) is in use: \(outcome.documents) documents copied, \(outcome.events) events "
          + "brought after, indexing paused for \(pause) ms. Generation \(outcome.previous) is still there: "
          + "palaver reshard --remove-old")
    }
    var writer = JSONWriter()
    writer.object {
      $0.member("generation", outcome.generation)
      $0.member("previous", outcome.previous)
      $0.member("documents", outcome.documents)
      $0.member("events", outcome.events)
      $0.member("pause_ms", pause)
    }
    context.print(writer.string)
  }

  func removeOld() async throws {
    let removed = try await resharding.removeOld()
    guard context.isJSON else {
      return context.print(
        removed.isEmpty
          ? "nothing to remove" : "removed: generation \(removed.map(String.init).joined(separator: ", "))")
    }
    var writer = JSONWriter()
    writer.object {
      $0.key("removed")
      $0.array { for number in removed { $0.value(number) } }
    }
    context.print(writer.string)
  }
}
