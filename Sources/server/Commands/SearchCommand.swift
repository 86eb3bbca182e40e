import ChatRooms
import Drivers
import Foundation
import HistoryIndex

extension Command {
  static let search = Command(
    name: "search", summary: "Find messages.",
    synopsis: "search 'QUERY' [--user NAME] [--room ROOM] [FLAGS]",
    explanation:
      "Finds messages as GET /v1/search does, newest first: words (all of them), \"a phrase\", -not, a OR b, word*, "
      + "`literal`, from:NAME, in:ROOM, before: after: on: during:DATE, has:link|code|mention|edit, mentions:NAME, "
      + "link:HOST. Quote the query for the shell; one that begins with a dash stands behind --. Without --user "
      + "everything is searched, as an admin does; with it what that user may read. In the embedded profile it may run "
      + "beside a server. Ends with status 0 if something was found, with 1 if nothing was.",
    options: [
      .json,
      CommandOption("user", placeholder: "NAME", help: "Only what this user may read; whom `me` means."),
      CommandOption("room", placeholder: "ROOMS", help: "Only these rooms, by id or public name, with commas between."),
      CommandOption("limit", placeholder: "N", help: "Messages at most, 1 to 10,000 (20)."),
      CommandOption("sort", placeholder: "ORDER", help: "recent, oldest or relevance (recent)."),
      CommandOption("tz", placeholder: "ZONE", help: "The time zone of dates, such as Europe/Berlin (UTC)."),
      CommandOption(
        "context", placeholder: "N", help: "Messages before and after each, 0 to 5; also -C N.", short: "C"),
      CommandOption(
        "color", placeholder: "WHEN", help: "auto, always or never; auto: on a terminal, unless NO_COLOR is set (auto)."
      ),
    ],
    listedSettings: .backends,
    examples: [
      Example(line: "palaver search 'deploy failed'", meaning: "messages with both words, newest first"),
      Example(
        line: "palaver search '\"rolled back\" from:anna after:7d' -C 2", meaning: "with two messages around each"),
      Example(
        line: "palaver search 'mentions:me' --user anna --room lobby", meaning: "what Anna may read, in one room"),
      Example(
        line: "palaver search 'has:link' --limit 1000 --json | jq -r .message.text", meaning: "one JSON object a hit"),
      Example(line: "palaver search -- '-from:bot'", meaning: "a query that begins with a dash"),
    ]
  ) { context in
    let words = try context.positionals(1...100, "'QUERY'")
    let options = try SearchCommandOptions(context.arguments)
    let configuration = try context.configuration(for: .maintenance)
    try configuration.requireFilledFolder()
    return try await Backends.with(configuration, context, isReading: true) { backends in
      try await SearchCommand(backends: backends, context: context, options: options)
        .run(words.joined(separator: " "))
    }
  }
}

/// The command's flags, checked.
struct SearchCommandOptions: Sendable, Equatable {
  enum Color: String, CaseIterable, Sendable { case auto, always, never }

  var limit: Int
  var sort: SearchSort
  /// Messages around each hit; `nil` for none.
  var context: Int?
  var color: Color
  var timeZone: String

  init(_ arguments: CommandArguments) throws(ConfigurationError) {
    limit = try Self.number(arguments, "limit", in: 1...10_000) ?? 20
    context = try Self.number(arguments, "context", in: SearchContext.bounds)
    let sortName = arguments.flags["sort"] ?? SearchSort.recent.rawValue
    guard let sort = SearchSort(rawValue: sortName) else {
      throw ConfigurationError("--sort", got: sortName, expected: "recent, oldest or relevance")
    }
    self.sort = sort
    let colorName = arguments.flags["color"] ?? Color.auto.rawValue
    guard let color = Color(rawValue: colorName) else {
      throw ConfigurationError("--color", got: colorName, expected: "auto, always or never")
    }
    self.color = color
    timeZone = arguments.flags["tz"] ?? "UTC"
    guard TimeZone(identifier: timeZone) != nil else {
      throw ConfigurationError("--tz", got: timeZone, expected: "a time zone such as Europe/Berlin")
    }
  }

  private static func number(
    _ arguments: CommandArguments, _ name: String, in range: ClosedRange<Int>
  ) throws(ConfigurationError) -> Int? {
    guard let text = arguments.flags[name] else { return nil }
    guard let number = Int(text), range.contains(number) else {
      throw ConfigurationError(
        "--\(name)", got: text, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  /// Whether to colour what is printed.
  func isColored(isTerminal: Bool, environment: [String: String]) -> Bool {
    switch color {
    case .always: true
    case .never: false
    // https://no-color.org: set and not empty.
    case .auto: isTerminal && (environment["NO_COLOR"] ?? "").isEmpty
    }
  }
}

private struct SearchCommand {
  var backends: Backends
  var context: CommandContext
  var options: SearchCommandOptions

  private static let page = 100

  func run(_ query: String) async throws -> Int32 {
    var request = SearchRequest(
      query: query, scope: ReadScope(isUnlimited: true, rooms: [], closedRooms: []), rooms: [], sort: options.sort,
      timeZone: options.timeZone)
    request.caller = try await user()
    request.scope = try await backends.rooms.readScope(of: request.caller?.id, isAdmin: request.caller == nil)
    request.rooms = try await rooms(for: request.caller)
    var left = options.limit
    var printer = SearchPrinter(
      isColored: options.isColored(isTerminal: Terminal.isStandardOutput, environment: context.environment),
      timeZone: options.timeZone)
    var last: SearchPage?
    repeat {
      request.limit = min(Self.page, left)
      let page = try await backends.search.search(request)
      try await show(page, &printer)
      left -= page.hits.count
      request.cursor = page.next
      last = page
    } while left > 0 && request.cursor != nil && last?.isComplete == true
    if let last { conclude(last, shown: options.limit - left) }
    return left < options.limit ? CommandLineProgram.Status.success : CommandLineProgram.Status.failure
  }

  private func user() async throws -> User? {
    guard let name = context.arguments.flags["user"] else { return nil }
    guard let user = try await backends.rooms.user(named: name) else { throw ChatError.userNotFound(name) }
    return user
  }

  /// A room that the user may not read is none.
  private func rooms(for user: User?) async throws -> [Room] {
    var rooms: [Room] = []
    for name in (context.arguments.flags["room"] ?? "").split(separator: ",").map(String.init) {
      var room = try await backends.rooms.room(named: name)
      if room == nil, let id = RoomID(name) { room = try await backends.rooms.room(id) }
      if let found = room, found.kind != .public, let user,
        try await backends.rooms.membership(room: found.id, user: user.id) == nil
      {
        room = nil
      }
      guard let room else { throw ChatError(404, "room_not_found", "There is no room '\(name)'.") }
      rooms.append(room)
    }
    return rooms
  }

  private func show(_ page: SearchPage, _ printer: inout SearchPrinter) async throws {
    var around: [String: [Message]]?
    if let count = options.context {
      around = try await SearchContext(rooms: backends.rooms, history: backends.history)
        .messages(around: page.hits, count: count)
    }
    var names: [RoomID: String?] = [:]
    for id in page.rooms where names[id] == nil { names[id] = try await backends.rooms.room(id)?.name }
    if context.isJSON {
      let results = SearchResults(page: page, names: names, context: around, milliseconds: 0)
      for line in results.lines { context.print(line) }
    } else {
      for hit in page.hits {
        let room = (names[hit.message.room] ?? nil) ?? "#\(hit.message.room)"
        for line in printer.lines(of: hit, room: room, context: around?[hit.message.id]) { context.print(line) }
      }
    }
  }

  private func conclude(_ page: SearchPage, shown: Int) {
    if !page.isComplete { context.complain("palaver search: cut short after 2 s; there may be more") }
    guard !context.isJSON else { return }
    let total = page.isTotalLowerBound ? "\(max(page.total, shown)) or more" : "\(page.total)"
    context.complain(shown == 0 ? "nothing found" : "\(shown) of \(total)")
  }
}

extension Terminal {
  static var isStandardOutput: Bool { isatty(STDOUT_FILENO) == 1 }
}
