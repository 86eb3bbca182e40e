extension Command {
  static let check = Command(
    name: "check", summary: "Check the settings and the back ends.", synopsis: "check [FLAGS]",
    explanation: "Checks the configuration as serve would, reaches every back end, and looks at their versions and at "
      + "the settings by which what was acknowledged is durable. Ends with status 1 if something would not do.",
    options: [.json], listedSettings: Setting.all,
    examples: [Example(line: "palaver check --config /etc/palaver.toml", meaning: "before a server is started")]
  ) { context in
    _ = try context.positionals(0...0, "no arguments")
    _ = try context.configuration(for: .serving)
    return CommandLineProgram.Status.failure
  }

  static let migrate = Command(
    name: "migrate", summary: "Bring the back ends to this version's schema.", synopsis: "migrate [FLAGS]",
    explanation: "Applies what is missing of the schema, to the database and to Elasticsearch. May be run any number "
      + "of times, also by several at once; servers of the version before keep working on the new schema.",
    options: [.json], listedSettings: .backends,
    examples: [Example(line: "palaver migrate --config /etc/palaver.toml", meaning: "before an upgrade of servers")]
  ) { context in
    _ = try context.positionals(0...0, "no arguments")
    _ = try context.configuration(for: .maintenance)
    return CommandLineProgram.Status.failure
  }

  static let token = Command(
    name: "token", summary: "Make a token for a user.", synopsis: "token USER [--admin] [--expires TIME]",
    explanation: "Prints a JSON Web Token, signed with the first secret of PALAVER_JWT_SECRET, for trying things out "
      + "and for scripts.",
    options: [
      CommandOption("admin", help: "The token may do everything, and act for others."),
      CommandOption("expires", placeholder: "TIME", help: "How long it counts (1h)."),
    ],
    listedSettings: [.config, .jwtSecret],
    examples: [
      Example(line: "palaver token camelia --expires 7d", meaning: "a token for camelia that counts for a week")
    ]
  ) { context in
    _ = try context.positionals(1...1, "the user's name")
    return CommandLineProgram.Status.failure
  }
}
