import ChatRooms
import Drivers
import HistoryIndex

/// The stores that commands work on, without a server around them.
struct Backends: Sendable {
  var rooms: any RoomStore
  var database: any SQLDatabase
  var journal: any Journal
  /// Where an import's messages go.
  var importSink: @Sendable (ImportLedger) -> any ImportSink
  var metrics: Metrics
  var log: Log

  /// Opens what the configuration names, and closes it when the body has returned.
  static func with<Result: Sendable>(
    _ configuration: Configuration, _ context: CommandContext, _ body: (Backends) async throws -> Result
  ) async throws -> Result {
    throw ConfigurationError("no back ends yet")
  }

  /// Runs the body with a writer of events.
  func withWriter(_ body: (JournalWriter) async throws -> Void) async throws {
    let writer = JournalWriter(journal: journal, writers: 1, metrics: metrics, log: log) { _ in }
    defer { writer.stop() }
    try await body(writer)
  }
}
