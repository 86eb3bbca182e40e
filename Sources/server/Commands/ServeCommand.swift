import ChatRooms
import Drivers
import HistoryIndex

extension Command {
  static let serve = Command(
    name: "serve", summary: "Run a server.", synopsis: "serve [FLAGS]",
    explanation: "Serves chat rooms over HTTP and WebSocket. With nothing else set, everything is kept in one folder "
      + "with SQLite; with --database, --redis and --elasticsearch any number of servers share those. Prints one line, "
      + "'listening on http://HOST:PORT', once it serves. SIGTERM lets clients go, makes durable what was accepted, "
      + "and ends with status 0.",
    listedSettings: Setting.all,
    examples: [
      Example(line: "palaver serve", meaning: "a server on http://127.0.0.1:8081 with its data in ./palaver-data"),
      Example(line: "palaver serve --demo", meaning: "the same, with a room to look at"),
      Example(
        line: "palaver serve --database mysql://palaver:secret@db/palaver --redis redis://cache "
          + "--elasticsearch http://search:9200 --auth token",
        meaning: "one of several servers; PALAVER_JWT_SECRET holds the secret of the tokens"),
      Example(line: "palaver serve --config /etc/palaver.toml", meaning: "settings from a file"),
    ]
  ) { context in
    _ = try context.positionals(0...0, "no arguments")
    let configuration = try context.configuration(for: .serving)
    FreedMemory.limitArenas()
    let signals = StopSignals()
    let starting = try StartingServer(configuration.edge.http)
    let backends = try await starting.answering {
      try await Backends.open(
        configuration, isServing: true, metrics: Metrics(), log: Log(level: configuration.logLevel))
    }
    do {
      let command = ServeCommand(
        configuration: configuration, backends: backends, starting: starting, signals: signals)
      try await command.run(context.print)
    } catch {
      await Blocking.run(backends.close)
      throw error
    }
    await Blocking.run(backends.close)
    return CommandLineProgram.Status.success
  }
}

private struct ServeCommand {
  var configuration: Configuration
  var backends: Backends
  var starting: StartingServer
  var signals: StopSignals

  func run(_ print: @Sendable (String) -> Void) async throws {
    let application = try Application(configuration, backends)
    let drain = configuration.drain
    try await application.run {
      signals.beginService()
      return await starting.handOver()
    } until: {
      await signals.wait()
      signals.endProcess(in: .milliseconds(drain))
    } ready: { port in
      if configuration.isDemo {
        try await DemoRoom(rooms: application.parts.rooms, writer: application.parts.writer).makeIfEmpty()
      }
      print("listening on http://\(ListenAddress(host: configuration.listen.host, port: Int(port)))")
    }
  }
}
