import ChatRooms
import Drivers
import Foundation
import HistoryIndex

/// A back end that does not do what it must at start.
struct BackendError: Error, CustomStringConvertible {
  var description: String

  init(_ name: String, _ error: any Error) { description = "\(name): \(error)" }
}

extension Backends {
  /// Connections for what is not the journal's.
  private static let connections = 8
  /// Connections of a server for work that may take its time: beside those on whose answers clients wait.
  private static let patientConnections = 4
  /// Seconds that a client's call waits for a connection, where all are busy.
  private static let servingWait = 3.0
  /// How long a server that starts waits for its database: they are often started together.
  static let patience = Duration.seconds(30)
  /// How long it waits for its index, so that an installation's first search finds one.
  private static let indexPatience = Duration.seconds(5)

  static func openStack(
    _ stack: Configuration.Stack, isMigrating: Bool, isServing: Bool, metrics: Metrics, log: Log
  ) async throws -> Backends {
    let pools = pools(stack, isServing: isServing)
    let http = HTTPClient(options(stack))
    let close: @Sendable () -> Void = {
      http.close()
      pools.close()
    }
    do {
      let schema = try await schema(of: pools.patient, isMigrating: isMigrating, log: log)
      let nodes = stack.elasticsearch.compactMap { HTTPNode(parsing: $0, apiKey: stack.elasticsearchKey) }
      let client = ElasticsearchClient(nodes: NodePool(nodes, client: http))
      let names = IndexNames(prefix: stack.indexPrefix)
      let index = Index(
        http: http, client: client, names: names, generations: Generations(client: client, names: names),
        leases: MySQLLaneLeases(pools.patient), protected: RewindGuard(),
        repair: RewindRepair(database: pools.patient, index: IndexWitness(client: client, names: names)))
      if isMigrating { await tryToPrepareIndex(index.generations) }
      return backends(schema, pools, stack, index, isMigrating: isMigrating, metrics: metrics, log: log, close: close)
    } catch {
      await Blocking.run(close)
      throw BackendError("--database \(stack.database)", error)
    }
  }

  /// Connections to the database: those on whose answers clients wait, and those whose work may take its time. One pool
  /// is both where nobody is served.
  private struct Pools {
    var serving: MySQLPool
    var patient: MySQLPool
    /// Of the journal's writers.
    var options: MySQLOptions
    /// What the journal's writers share with a pool that is asked all the time.
    var outage: MySQLOutage?

    func close() {
      serving.close()
      if patient !== serving { patient.close() }
    }
  }

  private static func pools(_ stack: Configuration.Stack, isServing: Bool) -> Pools {
    guard isServing else {
      let pool = MySQLPool(stack.database, size: connections)
      return Pools(serving: pool, patient: pool, options: MySQLOptions(), outage: nil)
    }
    let serving = MySQLPool(stack.database, options: .serving, size: connections, waitTimeout: servingWait)
    let patient = MySQLPool(stack.database, size: patientConnections)
    return Pools(serving: serving, patient: patient, options: .serving, outage: serving.outage)
  }

  private static func options(_ stack: Configuration.Stack) -> HTTPClientOptions {
    var options = HTTPClientOptions()
    options.certificateAuthorities = stack.elasticsearchCA
    return options
  }

  private static func backends(
    _ schema: InstalledSchema, _ pools: Pools, _ stack: Configuration.Stack, _ index: Index, isMigrating: Bool,
    metrics: Metrics, log: Log, close: @escaping @Sendable () -> Void
  ) -> Backends {
    let pool = pools.serving
    let journal = MySQLJournal(
      pool, stack.database, options: pools.options, outage: pools.outage, protected: index.protected)
    let rooms = SQLRoomStore(database: pool, laneCount: journal.laneCount)
    let (client, names) = (index.client, index.names)
    let history = JournaledHistory(
      journal: journal, index: ElasticsearchHistory(client: client, names: names, reads: stack.historyReads),
      metrics: metrics, log: log)
    let search = ElasticsearchSearch(
      client: client, names: names, journal: journal, standings: SearchStandings(pool), rooms: rooms, log: log)
    return Backends(
      installation: schema.installation, database: pool, rooms: rooms, journal: journal, history: history,
      search: search,
      index: index, traces: StackTraces(database: pools.patient, journal: journal, client: client, names: names),
      importSink: {
        ElasticsearchImportSink(client: client, names: names, ledger: $0, log: log, metrics: metrics)
      },
      upkeep: {
        await prepareIndex(index.generations, isMigrating: isMigrating, log: log)
        await search.upkeep()
      },
      probes: [
        HealthMonitor.Backend(name: "database", isEssential: true) { _ = try await pool.query("SELECT 1") },
        HealthMonitor.Backend(name: "elasticsearch", isEssential: false) { _ = try await client.health() },
      ],
      metrics: metrics, log: log, close: close)
  }

  private static func schema(of pool: MySQLPool, isMigrating: Bool, log: Log) async throws -> InstalledSchema {
    let deadline = ContinuousClock.now + patience
    while true {
      do {
        return isMigrating ? try await SchemaMigrator.migrate(pool) : try await SchemaMigrator.installed(pool)
      } catch let error as SQLError where error.kind == .unavailable && ContinuousClock.now < deadline {
        log.warning("waiting for the database", ["error": error.description])
        try await Task.sleep(for: .seconds(1))
      }
    }
  }

  /// Once, and not for long: an Elasticsearch that does not answer must not keep a server from starting. What failed
  /// here, `prepareIndex` says and tries again.
  private static func tryToPrepareIndex(_ generations: Generations) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { try? await generations.migrate() }
      group.addTask { try? await Task.sleep(for: indexPatience) }
      await group.next()
      group.cancelAll()
    }
  }

  /// Goes on trying: without Elasticsearch a server still sends and delivers.
  private static func prepareIndex(_ generations: Generations, isMigrating: Bool, log: Log) async {
    while isMigrating, !Task.isCancelled {
      do {
        return try await generations.migrate()
      } catch {
        log.warning("the index is not prepared", ["error": "\(error)"])
        try? await Task.sleep(for: .seconds(2))
      }
    }
  }
}
