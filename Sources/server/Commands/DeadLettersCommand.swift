import ChatRooms
import Drivers
import Foundation
import HistoryIndex

extension Command {
  private static let expected = "list, retry or drop, then the letters' ids"

  static let deadletters = Command(
    name: "deadletters", summary: "List, retry and drop what Elasticsearch refused to index.",
    synopsis: "deadletters list | retry | drop  [ID…] [--room N] [--all] [FLAGS]",
    explanation: "A message that Elasticsearch refuses for good becomes a dead letter. It stays in its room's history, "
      + "but search does not find it. Every letter has a reason, in Elasticsearch's own words: mend that (a mapping, a "
      + "limit), then retry. 'retry' sends the whole document again and removes the letter once it is in the index, or "
      + "once the index has a later state of the same message. 'drop' gives the letters up: history keeps the messages. "
      + "All three may be used while servers run. Ends with status 1 if a letter was refused again.",
    options: [
      .json,
      CommandOption("room", placeholder: "N", help: "The letters of this room only."),
      CommandOption("all", help: "retry, drop: all letters (with --room, all of that room)."),
    ],
    listedSettings: .backends,
    examples: [
      Example(line: "palaver deadletters list", meaning: "every letter with its id, room, message, time and reason"),
      Example(line: "palaver deadletters list --room 7 --json", meaning: "one JSON object a line, with the documents"),
      Example(line: "palaver deadletters retry 3-1207 9-88", meaning: "sends two letters again"),
      Example(line: "palaver deadletters retry --all", meaning: "sends everything again"),
      Example(line: "palaver deadletters drop --room 7 --all", meaning: "gives up all letters of room 7"),
    ]
  ) { context in
    let words = try context.positionals(1...1_000, expected)
    let selection = try selection(Array(words.dropFirst()), context)
    let isNamed = words.count > 1 || context.arguments.isOn("all")
    guard ["list", "retry", "drop"].contains(words[0]) else {
      throw ConfigurationError("got '\(words[0])', expected \(expected)")
    }
    guard words[0] == "list" || isNamed else {
      throw ConfigurationError("name the letters (palaver deadletters list shows their ids), or say --all")
    }
    let configuration = try context.configuration(for: .maintenance)
    try configuration.requireFilledFolder()
    return try await Backends.with(configuration, context) { backends in
      guard let index = backends.index else {
        context.print(context.isJSON ? "{}" : "the embedded profile has no dead letters")
        return CommandLineProgram.Status.success
      }
      let command = DeadLettersCommand(
        letters: DeadLetters(backends.database), index: index, selection: selection, context: context)
      switch words[0] {
      case "retry": return try await command.retry()
      case "drop": return try await command.drop()
      default: return try await command.list()
      }
    }
  }

  private static func selection(
    _ names: [String], _ context: CommandContext
  ) throws(ConfigurationError) -> DeadLetters.Selection {
    var ids: [BuriedLetter.ID] = []
    for name in names {
      guard let id = BuriedLetter.ID(name) else {
        throw ConfigurationError("got '\(name)', expected a letter's id such as 3-1207")
      }
      ids.append(id)
    }
    let room = context.arguments.flags["room"]
    guard ids.isEmpty || (room == nil && !context.arguments.isOn("all")) else {
      throw ConfigurationError("give ids, or --room and --all, not both")
    }
    if !ids.isEmpty { return .ids(ids) }
    guard let room else { return .all }
    guard let number = RoomID(room) else { throw ConfigurationError("--room", got: room, expected: "a room's id") }
    return .room(number)
  }
}

private struct DeadLettersCommand {
  var letters: DeadLetters
  var index: Backends.Index
  var selection: DeadLetters.Selection
  var context: CommandContext

  private static let page = 100

  /// Page by page; letters that come meanwhile may be among them or not.
  private func forEachPage(_ body: ([BuriedLetter]) async throws -> Void) async throws -> Int {
    var last: BuriedLetter.ID?
    var count = 0
    while true {
      let page = try await letters.page(of: selection, after: last, limit: Self.page)
      guard let end = page.last else { break }
      count += page.count
      try await body(page)
      last = end.id
    }
    if case .ids(let ids) = selection, count < Set(ids).count {
      context.complain("\(Set(ids).count - count) of these ids are no dead letters (any more)")
    }
    return count
  }

  func list() async throws -> Int32 {
    let count = try await forEachPage { page in
      for letter in page { context.print(context.isJSON ? Self.json(letter) : Self.line(letter)) }
    }
    if !context.isJSON {
      context.print(
        count == 0 ? "no dead letters" : "\(count) dead letters; 'palaver help deadletters' says what to do")
    }
    return CommandLineProgram.Status.success
  }

  func retry() async throws -> Int32 {
    let retry = DeadLetterRetry(letters: letters, client: index.client, names: index.names)
    var (indexed, superseded, refused) = (0, 0, 0)
    _ = try await forEachPage { page in
      for (letter, outcome) in zip(page, try await retry.retry(page)) {
        switch outcome {
        case .indexed: indexed += 1
        case .superseded: superseded += 1
        case .refused(let reason):
          refused += 1
          context.complain("\(letter.id): refused again: \(reason)")
        }
      }
    }
    report(
      ("indexed", indexed), ("superseded", superseded), ("refused", refused),
      sentence: "\(indexed) indexed, \(superseded) overtaken by a later state of the message, \(refused) refused again")
    return refused == 0 ? CommandLineProgram.Status.success : CommandLineProgram.Status.failure
  }

  func drop() async throws -> Int32 {
    var dropped = 0
    _ = try await forEachPage { page in
      for letter in page where try await letters.remove(letter) { dropped += 1 }
    }
    report(("dropped", dropped), sentence: "\(dropped) dropped; their messages stay in the history, unindexed")
    return CommandLineProgram.Status.success
  }

  private func report(_ counts: (name: String, count: Int)..., sentence: String) {
    guard context.isJSON else { return context.print(sentence) }
    var writer = JSONWriter()
    writer.object { for (name, count) in counts { $0.member(name, count) } }
    context.print(writer.string)
  }

  private static func line(_ buried: BuriedLetter) -> String {
    let letter = buried.letter
    let time = Date(timeIntervalSince1970: Double(buried.buriedAt) / 1_000).formatted(.iso8601)
    return "\("\(buried.id)".padding(to: 12))room \(letter.room), message \(letter.seq), \(time): \(letter.reason)"
  }

  private static func json(_ buried: BuriedLetter) -> String {
    let letter = buried.letter
    var writer = JSONWriter()
    writer.object {
      $0.member("id", "\(buried.id)")
      $0.member("room", letter.room)
      $0.member("seq", letter.seq)
      $0.member("buried_at", buried.buriedAt)
      $0.member("reason", letter.reason)
      $0.key("document")
      if let document = try? JSONValue(parsing: Array(letter.document.utf8)) {
        $0.value(document)
      } else {
        $0.value(letter.document)
      }
    }
    return writer.string
  }
}
