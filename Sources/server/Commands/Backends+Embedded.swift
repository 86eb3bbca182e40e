import ChatRooms
import Drivers
import HistoryIndex

extension Backends {
  static func openEmbedded(
    folder path: String, isReading: Bool = false, metrics: Metrics, log: Log
  ) async throws -> Backends {
    let (folder, database) = try await Blocking.run {
      // SQLite's log lets others read while a server writes; the schema is the server's to bring up to date.
      let folder = try dataFolder(path, isReading: isReading)
      let options = SQLiteOptions(functions: SQLiteSearch.functions)
      return (folder, try SQLiteDatabase(path: DataFolder.databasePath(in: path), options: options))
    }
    let schema =
      folder == nil ? try await SchemaMigrator.installed(database) : try await SchemaMigrator.migrate(database)
    if folder != nil { try await MessageWordsUpkeep.run(database, log: log) }
    let journal = SQLiteJournal(database: database)
    let rooms = SQLRoomStore(database: database, laneCount: journal.laneCount)
    var backends = Backends(
      installation: schema.installation, database: database, rooms: rooms, journal: journal,
      history: SQLiteHistory(database: database),
      search: SQLiteSearch(journal: journal, rooms: rooms, log: log), index: nil, traces: SQLiteTraces(database),
      importSink: { _ in SQLiteImportSink(database: database) },
      upkeep: {},
      probes: [
        HealthMonitor.Backend(name: "database", isEssential: true) { _ = try await database.query("SELECT 1") }
      ],
      metrics: metrics, log: log,
      close: {
        database.close()
        // The folder is another's only now.
        withExtendedLifetime(folder) {}
      })
    backends.freeBytes = { DiskSpace.free(at: path) }
    return backends
  }

  private static func dataFolder(_ path: String, isReading: Bool) throws -> DataFolder? {
    do {
      return isReading ? try DataFolder.ifFree(path: path) : try DataFolder(path: path)
    } catch let error as DataFolder.Unusable {
      throw ConfigurationError("--data", got: path, expected: "a folder that can be made and written (\(error.reason))")
    }
  }
}
