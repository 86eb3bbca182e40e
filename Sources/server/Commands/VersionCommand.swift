import Drivers

/// The program's version.
enum PalaverVersion {
  static let current = "0.1.0"
}

extension Command {
  static let version = Command(
    name: "version", summary: "Say which version this is.", synopsis: "version [--json]",
    explanation: "Says which version of Palaver this is.", options: [.json],
    examples: [Example(line: "palaver version", meaning: "palaver \(PalaverVersion.current)")]
  ) { context in
    _ = try context.positionals(0...0, "no arguments")
    if context.isJSON {
      var writer = JSONWriter()
      writer.object { $0.member("version", PalaverVersion.current) }
      context.print(writer.string)
    } else {
      context.print("palaver \(PalaverVersion.current)")
    }
    return CommandLineProgram.Status.success
  }
}
