import Drivers
import Foundation

/// The embedded profile's folder, for commands that only look at what a server has stored.
extension Configuration {
  /// The folder, if there is no database in it; `nil` also in the stack profile.
  var unfilledFolder: String? {
    guard case .embedded(let folder) = profile,
      !FileManager.default.fileExists(atPath: DataFolder.databasePath(in: folder))
    else { return nil }
    return folder
  }

  /// - Throws: `ConfigurationError` for a folder that would have to be made: a name that was mistyped is no empty history.
  func requireFilledFolder() throws(ConfigurationError) {
    guard let folder = unfilledFolder else { return }
    throw ConfigurationError("--data", got: folder, expected: "a folder that palaver serve has filled")
  }

  /// Whether a folder can be made, or is there and can be written.
  static func canMake(folder: String) -> Bool {
    var path = URL(fileURLWithPath: folder).standardizedFileURL
    while !FileManager.default.fileExists(atPath: path.path), path.path != "/" { path.deleteLastPathComponent() }
    return FileManager.default.isWritableFile(atPath: path.path)
  }
}
