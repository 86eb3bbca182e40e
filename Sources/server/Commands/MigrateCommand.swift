import ChatRooms
import Drivers

extension Command {
  static let migrate = Command(
    name: "migrate", summary: "Bring the back ends to this version's schema.", synopsis: "migrate [FLAGS]",
    explanation: "Applies what is missing of the schema, to the database and to Elasticsearch. May be run any number "
      + "of times, also by several at once; servers of the version before keep working on the new schema.",
    options: [.json], listedSettings: .backends,
    examples: [Example(line: "palaver migrate --config /etc/palaver.toml", meaning: "before an upgrade of servers")]
  ) { context in
    _ = try context.positionals(0...0, "no arguments")
    var configuration = try context.configuration(for: .maintenance)
    configuration.isMigrating = true
    return try await Backends.with(configuration, context) { backends in
      try await migrateIndex(backends, configuration)
      let schema = try await SchemaMigrator.installed(backends.database)
      if context.isJSON {
        var writer = JSONWriter()
        writer.object {
          $0.member("installation", schema.installation)
          $0.member("schema", schema.version)
        }
        context.print(writer.string)
      } else {
        context.print("the schema is version \(schema.version) (installation \(schema.installation))")
      }
      return CommandLineProgram.Status.success
    }
  }
}

private func migrateIndex(_ backends: Backends, _ configuration: Configuration) async throws {
  guard let index = backends.index, case .stack(let stack) = configuration.profile else { return }
  do {
    try await index.generations.migrate()
  } catch {
    let nodes = stack.elasticsearch.compactMap { HTTPNode(parsing: $0)?.origin }
    throw BackendError("--elasticsearch \(nodes.joined(separator: ","))", error)
  }
}
