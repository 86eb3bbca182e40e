import Drivers
import Foundation

/// Real conversations beside the project, which are never part of it: `../shared/corpora`, or where `PALAVER_SHARED`
/// says.
public enum Corpus {
  public struct Line: Sendable, Equatable {
    public var room: String
    public var user: String
    public var timestamp: Int64
    public var text: String
  }

  public static var folder: URL {
    let environment = ProcessInfo.processInfo.environment
    let shared = environment["PALAVER_SHARED"].map { URL(fileURLWithPath: $0) }
    return (shared ?? project.deletingLastPathComponent().appendingPathComponent("shared"))
      .appendingPathComponent("corpora")
  }

  /// The project's folder.
  public static var project: URL {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  }

  public static var isAvailable: Bool { FileManager.default.fileExists(atPath: path(of: "english_forum")) }

  private static func path(of name: String) -> String {
    folder.appendingPathComponent("\(name).ndjson.zst").path
  }

  /// Writes the first lines of a corpus, as they are.
  public static func write(_ name: String, lines count: Int, to file: URL) throws {
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/sh")
    shell.arguments = [
      "-c", "zstd -dc \"$1\" 2>/dev/null | head -n \"$2\" > \"$3\"", "sh", path(of: name), "\(count)", file.path,
    ]
    shell.standardInput = FileHandle.nullDevice
    try shell.run()
    shell.waitUntilExit()
    guard shell.terminationStatus == 0 else { throw TestSupportError("cannot read the corpus \(name)") }
  }

  public static func read(_ file: URL) throws -> [Line] {
    let bytes = [UInt8](try Data(contentsOf: file))
    return try bytes.split(separator: 0x0A).map { line in
      let json = try JSONValue(parsing: Array(line))
      guard let room = json["room"]?.string, let user = json["user"]?.string, let text = json["text"]?.string,
        let timestamp = json["timestamp"]?.integer
      else { throw TestSupportError("not a corpus line: \(json.compact)") }
      return Line(room: room, user: user, timestamp: timestamp, text: text)
    }
  }
}
