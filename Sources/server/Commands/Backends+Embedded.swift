import ChatRooms
import Drivers
import HistoryIndex

extension Backends {
  static func openEmbedded(folder path: String, metrics: Metrics, log: Log) async throws -> Backends {
    let (folder, database) = try await Blocking.run {
      let folder = try DataFolder(path: path)
      let options = SQLiteOptions(functions: SQLiteSearch.functions)
      return (folder, try SQLiteDatabase(path: folder.databasePath, options: options))
    }
    let schema = try await SchemaMigrator.migrate(database)
    try await MessageWordsUpkeep.run(database, log: log)
    let journal = SQLiteJournal(database: database)
    let rooms = SQLRoomStore(database: database, laneCount: journal.laneCount)
    var backends = Backends(
      installation: schema.installation, database: database, rooms: rooms, journal: journal,
      history: SQLiteHistory(database: database),
      search: SQLiteSearch(journal: journal, rooms: rooms, log: log), index: nil,
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
}
