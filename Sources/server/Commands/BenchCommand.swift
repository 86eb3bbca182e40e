import Bench
import Drivers
import Foundation

extension Command {
  static let bench = Command(
    name: "bench", summary: "Put a load on a running server, and check what it answers.",
    synopsis: "bench WORKLOAD [--url URL] [--rate N] [--clients N] [--rooms N] [--seconds N]  [FLAGS]",
    explanation:
      "Drives a server of any profile from outside, as its clients do, and says how soon it answered. "
      + "Operations are due at moments decided ahead, and a latency counts from that moment: what had to wait behind a "
      + "stall is late. WORKLOAD is one of send (durable sends until their acknowledgement), fanout (few messages to "
      + "many readers of a room), history (pages at random places), search (for words that were sent), storm (everyone "
      + "joins at once), idle (sockets on which nothing happens), lag (until others find what was acknowledged), and "
      + "mixed (all of it, mostly reading). Every acknowledgement, delivery and page is compared with what it must be: "
      + "one that is lost, doubled, out of order or wrong ends the run with status 1. It makes users and rooms of its "
      + "own and deletes the rooms at the end; the users bench-0, bench-1, ... stay. One processor does all of this: "
      + "where the report says that it was busy throughout, run several at once.",
    options: options,
    examples: [
      Example(
        line: "palaver bench send --rate 2000",
        meaning: "2,000 messages a second from 50 clients: how soon are they acknowledged?"),
      Example(
        line: "palaver bench send --rate 0 --clients 20 --window 50",
        meaning: "as fast as acknowledgements come (serve with --send-rate 1000000, or that is the bound)"),
      Example(
        line: "palaver bench fanout --clients 5000 --rate 10", meaning: "10 messages a second to 5,000 readers"),
      Example(
        line: "palaver bench fanout --clients 10000 --rooms 10000 --rooms-per-socket 3 --rate 2000",
        meaning: "10,000 clients with three rooms each"),
      Example(
        line: "palaver bench storm --clients 2000 --messages 100 --resume",
        meaning: "2,000 clients were cut off, missed 100 messages, and come back at once"),
      Example(
        line: "palaver bench idle --clients 10000 --pid $(pidof palaver)", meaning: "memory of an idle connection"),
      Example(
        line: "palaver bench mixed --url http://chat:8080 --token \"$(palaver token ops --admin)\" --user-prefix load-",
        meaning: "with tokens: an admin's acts for the users load-0, load-1, ..."),
    ]
  ) { context in
    let options = try BenchArguments(context).options()
    let display = SharedProgressDisplay(name: "bench \(options.workload.rawValue)")
    let report = try await Blocking.run {
      try BenchRun(options) { progress in
        display.show(done: progress.done, unit: progress.unit, fraction: progress.fraction)
      }.run()
    }
    display.finish()
    context.print(context.isJSON ? report.json : report.table)
    return report.isGood ? CommandLineProgram.Status.success : CommandLineProgram.Status.failure
  }

  private static let options: [CommandOption] = [
    .json,
    CommandOption("url", placeholder: "URL", help: "The server (http://127.0.0.1:8081). No TLS."),
    CommandOption("user-prefix", placeholder: "P", help: "Users are P0, P1, ... (bench-)."),
    CommandOption(
      "token", placeholder: "JWT",
      help:
        "For servers with --auth token. An admin's acts for the users of --user-prefix; without that, it is everyone."
    ),
    CommandOption("seconds", placeholder: "N", help: "How long to measure (20)."),
    CommandOption("warm-up", placeholder: "N", help: "Seconds of the same load before that (2)."),
    CommandOption(
      "rate", placeholder: "N", help: "Operations a second; 0: as fast as answers come. The default is the workload's."),
    CommandOption("clients", placeholder: "N", help: "Connections, up to 60,000."),
    CommandOption("rooms", placeholder: "N", help: "Rooms that they are spread over."),
    CommandOption(
      "rooms-per-socket", placeholder: "N",
      help: "fanout: rooms of each connection, which then sends too (1: a room each, and senders beside)."),
    CommandOption("messages", placeholder: "N", help: "Messages in each room before the load begins."),
    CommandOption("size", placeholder: "BYTES", help: "Bytes of a message (100)."),
    CommandOption("window", placeholder: "N", help: "Unanswered sends of a connection where --rate is 0 (20)."),
    CommandOption("queries", placeholder: "FILE", help: "What to search for, one query a line."),
    CommandOption("resume", help: "storm: cut everyone off first, then let them resume."),
    CommandOption("pid", placeholder: "PID", help: "The server's process here: tells its memory and processor time."),
    CommandOption("seed", placeholder: "N", help: "The same seed gives the same texts, pages and pauses (1)."),
    CommandOption("keep-rooms", help: "Do not delete the rooms at the end."),
  ]
}

/// The command line of `bench` as options of a run.
private struct BenchArguments {
  let context: CommandContext

  init(_ context: CommandContext) { self.context = context }

  func options() throws(ConfigurationError) -> BenchOptions {
    let names = BenchWorkload.allCases.map(\.rawValue)
    let word = try context.positionals(1...1, "a workload: \(names.joined(separator: ", "))")[0]
    guard let workload = BenchWorkload(rawValue: word) else {
      let hint = Suggestion.nearest(to: word, among: names).map { "; did you mean \($0)?" } ?? ""
      throw ConfigurationError("there is no workload '\(word)'\(hint)")
    }
    let (host, port) = try server()
    var options = BenchOptions(workload, host: host, port: port)
    options.userPrefix = context.arguments.flags["user-prefix"]
    options.token = context.arguments.flags["token"]
    options.isResuming = context.arguments.isOn("resume")
    options.keepsRooms = context.arguments.isOn("keep-rooms")
    options.queries = try queries()
    options.seconds = try number("seconds", 0.1...86_400) ?? options.seconds
    options.warmUp = try number("warm-up", 0...3_600) ?? options.warmUp
    options.rate = try number("rate", 0...1_000_000) ?? options.rate
    try setCounts(&options)
    return options
  }

  private func setCounts(_ options: inout BenchOptions) throws(ConfigurationError) {
    options.clients = try count("clients", 1...60_000) ?? options.clients
    options.roomsPerSocket = try count("rooms-per-socket", 1...500) ?? options.roomsPerSocket
    options.rooms = try count("rooms", 1...10_000) ?? options.rooms
    options.messages = try count("messages", 0...1_000_000) ?? options.messages
    options.size = try count("size", 24...16_384) ?? options.size
    options.window = try count("window", 1...1_000) ?? options.window
    options.seed = try count("seed", 0...Int.max).map(UInt64.init) ?? options.seed
    options.process = try count("pid", 1...Int(Int32.max)).map(Int32.init)
    if options.roomsPerSocket > 1, options.workload != .fanout || options.rate == 0 {
      throw ConfigurationError(
        "--rooms-per-socket", got: "\(options.roomsPerSocket)", expected: "1, but for fanout at a --rate")
    }
    if [.history, .search, .mixed].contains(options.workload), options.messages == 0 {
      throw ConfigurationError("--messages", got: "0", expected: "at least 1 for \(options.workload.rawValue)")
    }
  }

  private func server() throws(ConfigurationError) -> (host: String, port: Int) {
    let text = context.arguments.flags["url"] ?? "http://127.0.0.1:8081"
    guard let url = EndpointURL(text), url.scheme == "http", url.user == nil, url.path.isEmpty else {
      throw ConfigurationError("--url", got: EndpointURL.masked(text), expected: "http://HOST:PORT")
    }
    return (url.host, url.port ?? 80)
  }

  private func queries() throws(ConfigurationError) -> [String] {
    guard let path = context.arguments.flags["queries"] else { return [] }
    let lines = context.readFile(path)?.split(whereSeparator: \.isNewline).map(String.init) ?? []
    guard !lines.isEmpty else {
      throw ConfigurationError("--queries", got: path, expected: "a file with a query on each line")
    }
    return lines
  }

  private func count(_ name: String, _ range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
    guard let text = context.arguments.flags[name] else { return nil }
    guard let count = Int(text), range.contains(count) else {
      throw ConfigurationError(
        "--\(name)", got: text, expected: "a whole number, \(range.lowerBound) to \(range.upperBound)")
    }
    return count
  }

  private func number(_ name: String, _ range: ClosedRange<Double>) throws(ConfigurationError) -> Double? {
    guard let text = context.arguments.flags[name] else { return nil }
    guard let number = Double(text), range.contains(number) else {
      throw ConfigurationError(
        "--\(name)", got: text, expected: "a number, \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
