import ChatRooms
import Drivers
import Foundation

extension CheckFinding {
  /// What `serve` would find in its folder. Looks alone: a server may be at work there.
  static func embedded(folder: String) async -> [CheckFinding] {
    let place = place(of: folder)
    let file = DataFolder.databasePath(in: folder)
    guard place.isOK, FileManager.default.fileExists(atPath: file) else { return [place] }
    do {
      return [place] + (try await Blocking.run { try database(in: file) })
    } catch {
      return [place, unreachable("sqlite", file, "\(error)", wanted: "a database of palaver, or another --data")]
    }
  }

  private static func place(of folder: String) -> CheckFinding {
    var finding = CheckFinding(backend: "sqlite", address: folder, name: "folder", found: "there", isOK: true)
    var isFolder: ObjCBool = false
    if unsafe FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) {
      finding.isOK = isFolder.boolValue && FileManager.default.isWritableFile(atPath: folder)
      if !finding.isOK { finding.found = isFolder.boolValue ? "not writable" : "a file" }
    } else {
      finding.isOK = Configuration.canMake(folder: folder)
      finding.found = finding.isOK ? "not there yet: serve makes it" : "not there, and cannot be made"
    }
    finding.wanted = "a folder that may be written, or another one in --data"
    return finding
  }

  private static func database(in file: String) throws -> [CheckFinding] {
    let connection = try SQLiteConnection(path: file, access: .readOnly)
    func finding(_ name: String, _ found: String, wanted: String = "", isOK: Bool = true) -> CheckFinding {
      CheckFinding(backend: "sqlite", address: file, name: name, found: found, wanted: wanted, isOK: isOK)
    }
    let level = try connection.query("PRAGMA synchronous").first?.integer(0) ?? -1
    let mode = try connection.query("PRAGMA journal_mode").first?.text(0) ?? ""
    return [
      finding("version", try connection.query("SELECT sqlite_version()").first?.text(0) ?? ""),
      finding("synchronous", "\(level)", wanted: "2 (FULL)", isOK: level >= 2),
      finding("journal_mode", mode, wanted: "wal", isOK: mode == "wal"),
      finding("schema", try schema(connection)),
    ]
  }

  private static func schema(_ connection: SQLiteConnection) throws -> String {
    do { return "\(try SchemaMigrator(connection).installed().version)" } catch let error as SchemaOutdated {
      return "\(error.found): serve brings it up to date"
    }
  }
}
