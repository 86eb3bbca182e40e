import ChatRooms
import Drivers
import HistoryIndex

extension Command {
  static let check = Command(
    name: "check", summary: "Check the settings and the back ends.", synopsis: "check [FLAGS]",
    explanation: "Checks the configuration as serve would, reaches every back end, and looks at their versions and at "
      + "the settings by which what was acknowledged is durable. Ends with status 1 if something would not do.",
    options: [.json], listedSettings: Setting.all,
    examples: [Example(line: "palaver check --config /etc/palaver.toml", meaning: "before a server is started")]
  ) { context in
    _ = try context.positionals(0...0, "no arguments")
    let configuration = try context.configuration(for: .serving)
    _ = try configuration.authenticatorMode()
    var findings: [CheckFinding] = []
    switch configuration.profile {
    case .embedded: findings = await CheckFinding.embedded(configuration, context)
    case .stack(let stack): findings = await CheckFinding.stack(stack)
    }
    for finding in findings { context.print(context.isJSON ? finding.json : finding.line) }
    return findings.allSatisfy(\.isOK) ? CommandLineProgram.Status.success : CommandLineProgram.Status.failure
  }
}

/// Something that was looked at, and whether it will do.
struct CheckFinding: Sendable, Equatable {
  var backend: String
  var name: String
  var found: String
  /// Empty where nothing in particular is wanted.
  var wanted = ""
  var isOK: Bool

  var line: String {
    let end = isOK || wanted.isEmpty ? "" : " (wanted: \(wanted))"
    return "\(isOK ? "ok  " : "BAD ") \(backend): \(name) = \(found)\(end)"
  }

  var json: String {
    var writer = JSONWriter()
    writer.object {
      $0.member("backend", backend)
      $0.member("name", name)
      $0.member("found", found)
      $0.member("wanted", wanted)
      $0.member("ok", isOK)
    }
    return writer.string
  }

  private static func unreachable(_ backend: String, _ error: any Error) -> CheckFinding {
    let words = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
    return CheckFinding(backend: backend, name: "reachable", found: words, wanted: "an answer", isOK: false)
  }

  static func embedded(_ configuration: Configuration, _ context: CommandContext) async -> [CheckFinding] {
    // What is only looked at is not made.
    if let folder = configuration.unfilledFolder {
      return [
        CheckFinding(
          backend: "sqlite", name: "database", found: "none in \(folder) yet; serve makes it",
          wanted: "a folder that can be written", isOK: Configuration.canMake(folder: folder))
      ]
    }
    do {
      return try await Backends.with(configuration, context) { backends in
        try await backends.database.withConnection { connection in
          let level = try connection.query("PRAGMA synchronous").first?.integer(0) ?? -1
          let mode = try connection.query("PRAGMA journal_mode").first?.text(0) ?? ""
          let version = try connection.query("SELECT sqlite_version()").first?.text(0) ?? ""
          return [
            CheckFinding(backend: "sqlite", name: "version", found: version, isOK: true),
            CheckFinding(
              backend: "sqlite", name: "synchronous", found: "\(level)", wanted: "2 (FULL)", isOK: level >= 2),
            CheckFinding(backend: "sqlite", name: "journal_mode", found: mode, wanted: "wal", isOK: mode == "wal"),
          ]
        }
      }
    } catch {
      return [unreachable("sqlite", error)]
    }
  }

  static func stack(_ stack: Configuration.Stack) async -> [CheckFinding] {
    await mysql(stack) + redis(stack) + elasticsearch(stack)
  }

  private static func mysql(_ stack: Configuration.Stack) async -> [CheckFinding] {
    let pool = MySQLPool(stack.database, size: 1)
    var findings: [CheckFinding]
    do {
      findings = try await pool.withConnection { try MySQLDurability.findings($0) }.map {
        CheckFinding(backend: "mysql", name: $0.name, found: $0.found, wanted: $0.wanted, isOK: $0.isOK)
      }
    } catch {
      findings = [unreachable("mysql", error)]
    }
    await Blocking.run(pool.close)
    return findings
  }

  private static func redis(_ stack: Configuration.Stack) async -> [CheckFinding] {
    let client = RedisClient(stack.redis)
    client.start()
    let deadline = ContinuousClock.now + .seconds(3)
    while !client.health.isConnected, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(5)) }
    var findings: [CheckFinding]
    do {
      let info = try await client.command(["INFO", "server"]).text ?? ""
      let version =
        info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("redis_version:") }?.dropFirst(14) ?? "?"
      let major = Int(version.prefix { $0 != "." }) ?? 0
      findings = [
        CheckFinding(backend: "redis", name: "version", found: String(version), wanted: "6 or later", isOK: major >= 6)
      ]
    } catch {
      findings = [unreachable("redis", error)]
    }
    await Blocking.run(client.close)
    return findings
  }

  private static func elasticsearch(_ stack: Configuration.Stack) async -> [CheckFinding] {
    var options = HTTPClientOptions()
    options.certificateAuthorities = stack.elasticsearchCA
    let http = HTTPClient(options)
    let nodes = stack.elasticsearch.compactMap { HTTPNode(parsing: $0, apiKey: stack.elasticsearchKey) }
    let client = ElasticsearchClient(nodes: NodePool(nodes, client: http))
    var findings: [CheckFinding]
    do {
      let health = try await client.health()
      findings = [
        CheckFinding(backend: "elasticsearch", name: "version", found: try await client.version(), isOK: true),
        CheckFinding(
          backend: "elasticsearch", name: "health", found: health, wanted: "green or yellow", isOK: health != "red"),
      ]
      findings += try await translog(client, IndexNames(prefix: stack.indexPrefix))
    } catch {
      findings = [unreachable("elasticsearch", error)]
    }
    await Blocking.run(http.close)
    return findings
  }

  /// Of every generation; none where the index was not made yet.
  private static func translog(_ client: ElasticsearchClient, _ names: IndexNames) async throws -> [CheckFinding] {
    let path =
      "/\(names.prefix)-messages-g*/_settings/index.translog.durability?include_defaults=true&flat_settings=true"
    let reply = try await client.call(.get, path, nil)
    return reply.object?.members.map { member in
      let setting = "index.translog.durability"
      let found =
        member.value["settings"]?[setting]?.string ?? member.value["defaults"]?[setting]?.string ?? "request"
      return CheckFinding(
        backend: "elasticsearch", name: "\(member.name) translog.durability", found: found, wanted: "request",
        isOK: found.lowercased() == "request")
    } ?? []
  }
}
