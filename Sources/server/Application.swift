import ChatRooms
import Drivers
import Foundation
import HistoryIndex

/// A running server: its parts, started in order, stopped in reverse.
final class Application: Sendable {
  private let configuration: Configuration
  private let backends: Backends
  private let bus: ServerBus
  private let hub: RoomHub
  private let writer: JournalWriter
  private let gate: JournalGate
  private let rooms: CachedRoomStore
  private let changes: RoomChangeAnnouncer
  private let indexer: Indexer?
  private let rewinds: RewindWatch?
  private let erasures: ErasureWorker
  private let monitor: HealthMonitor
  private let phase: ServerPhase
  private let edge: Edge
  private let services: Services
  private let log: Log

  /// Connects the parts. Nothing is served before `run`.
  ///
  /// - Throws: `ConfigurationError` for keys that are none, `ListenError`.
  init(_ configuration: Configuration, _ backends: Backends) throws {
    let (metrics, log) = (backends.metrics, backends.log)
    metrics.gauge("palaver_memory_bytes", "Resident memory of the process.") { Double(ResidentMemory.bytes) }
    let bus = ServerBus(configuration, installation: backends.installation, metrics: metrics, log: log)
    let rooms = bus.cached(backends.rooms, metrics: metrics)
    self.rooms = rooms
    let changes = RoomChangeAnnouncer(rooms: rooms)
    let hub = RoomHub(
      journal: backends.journal, history: backends.history, exchange: bus.exchange, metrics: metrics, log: log,
      onFetched: changes.took)
    let indexer = Self.indexer(configuration, backends)
    let gate = JournalGate(configuration.backPressure, metrics: metrics, log: log)
    let protected = backends.index?.protected
    let writer = JournalWriter(
      journal: backends.journal, writers: backends.journal.laneCount > 1 ? 2 : 1, gate: gate, metrics: metrics, log: log
    ) { [bus = bus.bus] events in
      protected?.saw(events)
      hub.receive(events)
      bus.publish(.events(events))
      changes.took(events)
      indexer?.wake()
    }
    services = Services(
      rooms: rooms, presence: bus.presence, bus: bus.bus, journal: backends.journal, writer: writer, hub: hub,
      history: backends.history,
      search: backends.search, erasures: backends.erasures, metrics: metrics, log: log)
    erasures = ErasureWorker(
      ledger: backends.erasures, traces: backends.traces, writer: writer, metrics: metrics, log: log,
      forget: bus.forgetTails)
    phase = ServerPhase()
    monitor = HealthMonitor(backends.probes + bus.probes, metrics: metrics, log: log)
    if configuration.jwtSecrets.contains(where: { $0.utf8.count < TokenVerifier.safeSecretBytes }) {
      log.warning(
        "PALAVER_JWT_SECRET can be guessed from any token", ["wanted": "\(TokenVerifier.safeSecretBytes) random bytes"])
    }
    let authenticator = Authenticator(mode: try configuration.authenticatorMode(), rooms: rooms)
    let notifier = PresenceNotifier(presence: bus.presence, bus: bus.bus, joiner: hub)
    bus.deliver(to: hub, notifier, rooms, protected)
    rewinds = Self.rewinds(backends, bus, rooms)
    edge = try Edge(
      configuration: configuration.edge, services: Self.sessions(services, authenticator, notifier),
      handler: Self.handler(configuration, services, authenticator, phase, monitor), client: backends.index?.http,
      metrics: metrics, log: log)
    self.configuration = configuration
    self.backends = backends
    self.bus = bus
    self.hub = hub
    self.writer = writer
    self.gate = gate
    self.changes = changes
    self.indexer = indexer
    self.log = log
  }

  private static func indexer(_ configuration: Configuration, _ backends: Backends) -> Indexer? {
    guard let index = backends.index, configuration.role != .edge else { return nil }
    var options = IndexerOptions(owner: UUID().uuidString)
    options.keep = configuration.journalKeep
    return Indexer(
      journal: backends.journal, leases: index.leases, client: index.client, names: index.names, options: options,
      log: backends.log, metrics: backends.metrics)
  }

  private static func rewinds(_ backends: Backends, _ bus: ServerBus, _ rooms: CachedRoomStore) -> RewindWatch? {
    guard let index = backends.index, let witness = bus.witness(of: backends.installation) else { return nil }
    return RewindWatch(
      index.protected, journal: backends.journal, witness: witness, repair: index.repair, metrics: backends.metrics,
      log: backends.log
    ) { await rooms.everythingChanged() }
  }

  private static func sessions(
    _ services: Services, _ authenticator: Authenticator, _ notifier: PresenceNotifier
  ) -> SessionServices {
    SessionServices(
      rooms: services.rooms, presence: services.presence, writer: services.writer, joiner: services.hub,
      authority: RoomAuthority(authenticator: authenticator, rooms: services.rooms),
      commands: MessageCommands(rooms: services.rooms, history: services.history, writer: services.writer),
      pages: services.pages, notifier: notifier, log: services.log)
  }

  /// An indexer has no clients: it only says how it is.
  private static func handler(
    _ configuration: Configuration, _ services: Services, _ authenticator: Authenticator, _ phase: ServerPhase,
    _ monitor: HealthMonitor
  ) -> Router {
    guard configuration.role == .indexer else {
      return APIRoutes.router(
        services: services, authenticator: authenticator, phase: phase, monitor: monitor,
        searches: configuration.searches)
    }
    var router = Router(metrics: RouteMetrics(services.metrics), errors: RouteErrors(log: services.log))
    HealthRoutes(metrics: services.metrics, phase: phase, monitor: monitor).add(to: &router)
    return router
  }

  /// Serves until `stop` ends, then lets clients go, makes durable what was accepted, and ends the parts.
  ///
  /// - Parameters:
  ///   - socket: gives the socket to listen on, once all is ready.
  ///   - stop: returns when the server is to end.
  ///   - ready: called once, with the port, when it serves.
  func run(
    on socket: () async -> ListeningSocket, until stop: @escaping @Sendable () async -> Void,
    ready: (UInt16) async throws -> Void
  ) async throws {
    try await startHub()
    await bus.start()
    let result: Result<Void, any Error>
    do {
      try await withThrowingDiscardingTaskGroup { group in
        group.addTask { await self.hub.run() }
        group.addTask { await self.edge.run() }
        group.addTask { await self.monitor.run() }
        group.addTask { await self.changes.run() }
        group.addTask { await self.rooms.keepScopes() }
        group.addTask { await self.gate.watch(self.backends.journal, freeBytes: self.backends.freeBytes) }
        if let rewinds {
          let owesIndex = await rewinds.begin()
          group.addTask { await rewinds.run(owesIndex: owesIndex) }
        }
        group.addTask { await self.backends.upkeep() }
        if let indexer { group.addTask { await indexer.run() } }
        group.addTask { await self.erasures.run() }
        group.addTask { await FreedMemory.run() }
        await monitor.probe()
        let port = try edge.start(on: await socket())
        phase.enter(.serving)
        try await ready(port)
        await stop()
        await drain()
        group.cancelAll()
      }
      result = .success(())
    } catch {
      await Blocking.run(writer.stop)
      result = .failure(error)
    }
    await Blocking.run(bus.close)
    try result.get()
  }

  /// Rooms and writer, for what a server does before it serves.
  var parts: Services { services }

  /// A database that goes away for a moment while a server starts is waited for, as in `Backends`.
  private func startHub() async throws {
    let deadline = ContinuousClock.now + Backends.patience
    while true {
      do {
        return try await hub.start()
      } catch let error as SQLError where error.kind == .unavailable && ContinuousClock.now < deadline {
        log.warning("waiting for the database", ["error": error.description])
        try await Task.sleep(for: .milliseconds(500))
      }
    }
  }

  private func drain() async {
    log.info("draining")
    phase.enter(.draining)
    // Most of the time is the clients'; what is left is for the journal.
    await edge.drain(within: .milliseconds(configuration.drain * 6 / 10))
    await Blocking.run(writer.stop)
    await edge.stop()
    log.info("drained")
  }
}
