import ChatRooms
import Drivers
import Foundation
import HistoryIndex

/// The stores behind a server or a command: opened in order, closed in reverse.
struct Backends: Sendable {
  /// What only the stack has.
  struct Index: Sendable {
    /// What `client` sends with.
    var http: HTTPClient
    var client: ElasticsearchClient
    var names: IndexNames
    var generations: Generations
    var leases: any LaneLeases
    /// Keeps the journal's writers from a database that went back in time.
    var protected: RewindGuard
    var repair: RewindRepair
  }

  /// Random and permanent, made with the schema.
  var installation: String
  var database: any SQLDatabase
  var rooms: any RoomStore
  var journal: any Journal
  var history: any History
  var search: any Search
  /// `nil` in the embedded profile.
  var index: Index?
  /// Where a deleted user's messages are found.
  var traces: any MessageTraces
  /// Where an import's messages go.
  var importSink: @Sendable (ImportLedger) -> any ImportSink
  /// Work that goes on beside serving, until it is cancelled.
  var upkeep: @Sendable () async -> Void
  var probes: [HealthMonitor.Backend]
  /// Bytes free where the database is; `nil` where that is another machine's disk.
  var freeBytes: @Sendable () -> Int64? = { nil }
  var metrics: Metrics
  var log: Log
  /// Blocks.
  fileprivate(set) var close: @Sendable () -> Void

  init(
    installation: String, database: any SQLDatabase, rooms: any RoomStore, journal: any Journal, history: any History,
    search: any Search, index: Index?, traces: any MessageTraces,
    importSink: @escaping @Sendable (ImportLedger) -> any ImportSink,
    upkeep: @escaping @Sendable () async -> Void, probes: [HealthMonitor.Backend], metrics: Metrics, log: Log,
    close: @escaping @Sendable () -> Void
  ) {
    self.installation = installation
    self.database = database
    self.rooms = rooms
    self.journal = journal
    self.history = history
    self.search = search
    self.index = index
    self.traces = traces
    self.importSink = importSink
    self.upkeep = upkeep
    self.probes = probes
    self.metrics = metrics
    self.log = log
    self.close = close
  }

  /// What is to be erased, and how far that is.
  var erasures: ErasureLedger { ErasureLedger(database) }

  /// - Throws: one line for a person says what does not answer.
  ///
  /// - Parameters:
  ///   - isReading: nothing will be written, so that a folder may be another process's.
  ///   - isServing: clients wait for the answers, so that a database that says nothing is given up soon.
  static func open(
    _ configuration: Configuration, isReading: Bool = false, isServing: Bool = false, metrics: Metrics, log: Log
  ) async throws -> Backends {
    switch configuration.profile {
    case .embedded(let folder):
      try await openEmbedded(folder: folder, isReading: isReading, metrics: metrics, log: log)
    case .stack(let stack):
      try await openStack(
        stack, isMigrating: configuration.isMigrating, isServing: isServing, metrics: metrics, log: log)
    }
  }

  /// Opens what the configuration names, and closes it when the body has returned.
  ///
  /// - Parameter log: a command speaks through its output, and what goes wrong is in its one line; one that goes on
  ///   through outages says so.
  static func with<Result: Sendable>(
    _ configuration: Configuration, _ context: CommandContext, isReading: Bool = false, log: Log.Level = .error,
    _ body: (Backends) async throws -> Result
  ) async throws -> Result {
    let backends = try await open(
      configuration, isReading: isReading, metrics: Metrics(), log: Log(level: log))
    let result: Swift.Result<Result, any Error>
    do { result = .success(try await body(backends)) } catch { result = .failure(error) }
    await Blocking.run(backends.close)
    return try result.get()
  }

  /// Runs the body with a writer of events.
  func withWriter(_ body: (JournalWriter) async throws -> Void) async throws {
    let writer = JournalWriter(journal: journal, writers: 1, metrics: metrics, log: log) { _ in }
    let result: Swift.Result<Void, any Error>
    do { result = .success(try await body(writer)) } catch { result = .failure(error) }
    await Blocking.run(writer.stop)
    try result.get()
  }
}
