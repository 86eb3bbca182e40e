import Foundation

/// How full a disk is.
public enum DiskSpace {
  /// Bytes that this process may still write on the disk of a path; `nil` if it cannot be told.
  public static func free(at path: String) -> Int64? {
    var status = statvfs()
    guard unsafe statvfs(path, &status) == 0 else { return nil }
    let (bytes, isOverflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return isOverflow ? .max : Int64(clamping: bytes)
  }
}
