import Foundation

/// The folder of the embedded profile, held by one process at a time.
///
/// The kernel's lock (`flock`) ends with the process, however it ends, so that a lock is never left behind.
public final class DataFolder: Sendable {
  public let path: String
  private let descriptor: Int32

  public struct Occupied: Error, CustomStringConvertible {
    public var path: String
    public var description: String { "The data folder \(path) is in use by another palaver process." }
  }

  /// The path is none where a folder can be made or written.
  public struct Unusable: Error, CustomStringConvertible {
    public var path: String
    public var reason: String
    public var description: String { "The data folder \(path) cannot be used: \(reason)." }
  }

  /// Errors by which a file system says that a path will not do, and not that something is the matter with it now.
  private static let wrongPath = [EACCES, EPERM, EROFS, ENOENT, ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP, EINVAL]

  /// Makes the folder if there is none.
  ///
  /// - Throws: `Occupied`, `Unusable`; `SQLError` `.unavailable` for any other failure of the file system.
  public init(path: String) throws {
    self.path = path
    try Self.make(path)
    descriptor = unsafe open(path + "/palaver.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure(errno, path) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw Occupied(path: path)
    }
  }

  deinit { close(descriptor) }

  /// With the folders above it.
  private static func make(_ path: String) throws {
    var isFolder: ObjCBool = false
    if unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
      if !isFolder.boolValue { throw failure(ENOTDIR, path) }
      return
    }
    let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
    if parent != path { try make(parent) }
    if unsafe mkdir(path, 0o777) != 0, errno != EEXIST { throw failure(errno, path) }
  }

  private static func failure(_ code: Int32, _ path: String) -> any Error {
    let reason = unsafe String(cString: strerror(code))
    if wrongPath.contains(code) { return Unusable(path: path, reason: reason) }
    return SQLError(kind: .unavailable, code: Int(code), message: "The data folder \(path): \(reason).")
  }

  /// The database in it.
  public var databasePath: String { Self.databasePath(in: path) }

  public static func databasePath(in path: String) -> String { path + "/palaver.db" }

  /// `nil` where another process holds it.
  public static func ifFree(path: String) throws -> DataFolder? {
    do { return try DataFolder(path: path) } catch is Occupied { return nil }
  }
}
