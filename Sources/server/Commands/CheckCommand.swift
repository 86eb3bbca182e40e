extension Command {
  static let check = Command(
    name: "check", summary: "Check the settings and the back ends.", synopsis: "check [FLAGS]",
    explanation: "Checks the configuration as serve would, reaches every back end and every node of Elasticsearch, and "
      + "looks at their versions and at the settings by which what was acknowledged is durable. Changes nothing, and "
      + "may be run beside a server. Ends with status 1 if something would not do.",
    options: [.json], listedSettings: Setting.all,
    examples: [Example(line: "palaver check --config /etc/palaver.toml", meaning: "before a server is started")]
  ) { context in
    _ = try context.positionals(0...0, "no arguments")
    let configuration = try context.configuration(for: .serving)
    _ = try configuration.authenticatorMode()
    let findings =
      switch configuration.profile {
      case .embedded(let folder): await CheckFinding.embedded(folder: folder)
      case .stack(let stack): await CheckFinding.stack(stack)
      }
    for finding in findings { context.print(context.isJSON ? finding.json : finding.line) }
    return findings.allSatisfy(\.isOK) ? CommandLineProgram.Status.success : CommandLineProgram.Status.failure
  }
}
