/// One of the program's commands: what it is called, what help says of it, what it does.
struct Command: Sendable {
  struct Example: Sendable {
    var line: String
    var meaning: String
  }

  var name: String
  /// One line, for the list of commands.
  var summary: String
  /// What follows `palaver`.
  var synopsis: String
  /// A paragraph, for the command's own help.
  var explanation: String
  /// Its own flags, beside the settings.
  var options: [CommandOption] = []
  /// Settings that its help lists; it takes all of them.
  var listedSettings: [Setting] = []
  var examples: [Example]
  /// - Returns: the exit status.
  var run: @Sendable (CommandContext) async throws -> Int32

  /// Every flag that it takes.
  var allOptions: [CommandOption] { options + Setting.all.flatMap(\.options) }
}

/// What a command works with.
struct CommandContext: Sendable {
  var arguments: CommandArguments
  var environment: [String: String]
  /// The text of a file, or `nil` where it cannot be read.
  var readFile: @Sendable (String) -> String?
  /// A line on standard output.
  var print: @Sendable (String) -> Void
  /// A line on standard error.
  var complain: @Sendable (String) -> Void

  var isJSON: Bool { arguments.isOn("json") }

  func configuration(for purpose: Configuration.Purpose) throws(ConfigurationError) -> Configuration {
    try Configuration(
      flags: arguments.flags, environment: environment, readFile: readFile, purpose: purpose)
  }

  /// The arguments, if they are as many as expected.
  func positionals(_ range: ClosedRange<Int>, _ expected: String) throws(ConfigurationError) -> [String] {
    let positionals = arguments.positionals
    if range.contains(positionals.count) { return positionals }
    guard positionals.count > range.upperBound else { throw ConfigurationError("expected \(expected)") }
    let extra = positionals[range.upperBound]
    if let flag = arguments.switches[range.upperBound] {
      throw ConfigurationError(flag, got: extra, expected: "true or false")
    }
    throw ConfigurationError("got '\(extra)', expected \(expected)")
  }
}

extension CommandOption {
  static let json = CommandOption("json", help: "Answer in JSON, for scripts.")
}

/// Where most commands find the data.
extension [Setting] {
  static let backends: [Setting] = [.config, .data, .database, .redis, .elasticsearch]
}
