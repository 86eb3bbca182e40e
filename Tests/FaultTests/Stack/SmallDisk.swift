import Foundation
import TestSupport

/// A file system in memory of a given size, which can be filled up. Only root may mount one.
final class SmallDisk: Sendable {
  static let isAvailable: Bool = {
    guard let disk = try? SmallDisk(megabytes: 1) else { return false }
    disk.remove()
    return true
  }()

  let folder: URL
  private var ballast: String { folder.appendingPathComponent("ballast").path }

  init(megabytes: Int) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("palaver-disk-\(UInt32.random(in: 0...UInt32.max))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    do {
      try Self.run("/bin/mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", folder.path)
    } catch {
      try? FileManager.default.removeItem(at: folder)
      throw error
    }
  }

  /// Takes all room that is left but some kilobytes.
  func fill(leaving kilobytes: Int = 0) throws {
    let attributes = try FileManager.default.attributesOfFileSystem(forPath: folder.path)
    let free = (attributes[.systemFreeSize] as? NSNumber)?.intValue ?? 0
    try Self.run("/usr/bin/fallocate", "-l", "\(max(4_096, free - kilobytes * 1_024))", ballast)
  }

  func empty() throws { try FileManager.default.removeItem(atPath: ballast) }

  /// Whatever uses it must have ended.
  func remove() {
    try? Self.run("/bin/umount", "-l", folder.path)
    try? FileManager.default.removeItem(at: folder)
  }

  private static func run(_ command: String, _ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw TestSupportError("failed: \(command) \(arguments)") }
  }
}
