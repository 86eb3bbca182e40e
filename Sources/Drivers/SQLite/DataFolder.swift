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

  /// Makes the folder if there is none.
  ///
  /// - Throws: `Occupied`; `SQLError` `.unavailable` if it cannot be made or written.
  public init(path: String) throws {
    self.path = path
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw SQLError(kind: .unavailable, code: 0, message: "The data folder \(path) cannot be made.")
    }
    descriptor = unsafe open(path + "/palaver.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      let reason = unsafe String(cString: strerror(errno))
      throw SQLError(kind: .unavailable, code: Int(errno), message: "The data folder \(path): \(reason).")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw Occupied(path: path)
    }
  }

  deinit { close(descriptor) }

  /// The database in it.
  public var databasePath: String { Self.databasePath(in: path) }

  public static func databasePath(in path: String) -> String { path + "/palaver.db" }

  /// `nil` where another process holds it.
  public static func ifFree(path: String) throws -> DataFolder? {
    do { return try DataFolder(path: path) } catch is Occupied { return nil }
  }
}
