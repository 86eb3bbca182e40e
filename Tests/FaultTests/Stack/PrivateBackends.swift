import Drivers
import Foundation
import TestSupport

/// MariaDB and Redis of a test's own, so that they can be killed without disturbing anybody. Elasticsearch is shared:
/// its outages are the proxy's.
///
/// Started by `scripts/lib/backends.sh`, as everything else is, with full durability.
final class PrivateBackends: Sendable {
  enum Part: String, Sendable, CaseIterable {
    case mariadb, redis
  }

  /// Whether this machine has them, and `PALAVER_TEST_ELASTICSEARCH` says where Elasticsearch is.
  static var areAvailable: Bool {
    elasticsearchPort != nil && has("mariadbd") && has("mariadb-install-db") && has("redis-server")
  }

  static var elasticsearchPort: Int? {
    ProcessInfo.processInfo.environment["PALAVER_TEST_ELASTICSEARCH"].flatMap { URL(string: $0)?.port }
  }

  private static func has(_ command: String) -> Bool {
    ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"]
      .contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(command)") }
  }

  let folder: URL
  let ports: [Part: Int]

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("palaver-faults-\(UInt32.random(in: 0...UInt32.max))")
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    ports = try [.mariadb: Self.freePort(), .redis: Self.freePort()]
    for part in Part.allCases { try start(part) }
  }

  /// Of a listener that is closed again.
  private static func freePort() throws -> Int {
    try script("free_port", folder: "/tmp").split(separator: "\n").last.flatMap { Int($0) } ?? 0
  }

  func port(of part: Part) -> Int { ports[part] ?? 0 }

  func start(_ part: Part) throws {
    try Self.script("start_\(part.rawValue) \(port(of: part))", folder: folder.path)
  }

  func pid(of part: Part) throws -> Int32 {
    let text = try String(contentsOf: folder.appendingPathComponent("\(part.rawValue).pid"), encoding: .utf8)
    guard let pid = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)), pid > 1 else {
      throw TestSupportError("no pid of \(part)")
    }
    return pid
  }

  /// SIGKILL: what was not durable is gone.
  func kill(_ part: Part) throws {
    let pid = try pid(of: part)
    // Forgotten at once: the number may be another's by the time the rest is stopped.
    try Self.script(
      "kill -KILL \(pid); sed -i '/^\(part.rawValue) /d' \"$STATE/pids\"; wait_until 20 is_gone \(pid)",
      folder: folder.path)
  }

  func pause(_ part: Part) throws { Foundation.kill(try pid(of: part), SIGSTOP) }
  func resume(_ part: Part) throws { Foundation.kill(try pid(of: part), SIGCONT) }

  func flushRedis() throws {
    try Self.script("redis-cli -p \(port(of: .redis)) flushall", folder: folder.path)
  }

  /// Through Debian's client, so that what a test finds does not depend on the code under test.
  @discardableResult
  func mariadb(_ sql: String) throws -> String {
    try Self.script(
      "mariadb --no-defaults --protocol=tcp --batch --skip-column-names -h 127.0.0.1 -P \(port(of: .mariadb)) "
        + "-u palaver -ppalaver -e '\(sql)' palaver", folder: folder.path)
  }

  /// Makes events look so old that they are trimmed once they are indexed.
  ///
  /// - Parameter age: milliseconds; younger ones are left alone.
  func ageJournal(olderThan age: Int) throws {
    try mariadb("UPDATE journal SET happened_at = 0 WHERE happened_at < UNIX_TIMESTAMP(NOW(3)) * 1000 - \(age)")
  }

  func remove() {
    for part in Part.allCases { try? resume(part) }
    // It keeps nothing, and does not end where the tests' process has blocked SIGTERM for what it starts.
    try? kill(.redis)
    _ = try? Self.script("stop_backends", folder: folder.path)
    try? FileManager.default.removeItem(at: folder)
  }

  /// - Returns: what it printed. Into a file: what it starts keeps a pipe open.
  @discardableResult
  static func script(_ body: String, folder: String) throws -> String {
    let output = FileManager.default.temporaryDirectory.appendingPathComponent("palaver-script-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: output) }
    let shell = Process()
    shell.executableURL = URL(fileURLWithPath: "/bin/bash")
    shell.arguments = ["-c", preamble + body, "bash", Corpus.project.path, folder, output.path]
    shell.standardInput = FileHandle.nullDevice
    try shell.run()
    shell.waitUntilExit()
    guard shell.terminationStatus == 0 else { throw TestSupportError("failed: \(body)") }
    return try String(contentsOf: output, encoding: .utf8)
  }

  /// What is started must not inherit this process's sockets and pipes.
  private static let preamble = """
    set -euo pipefail
    for fd in /proc/self/fd/*; do fd=${fd##*/}; if ((fd > 2 && fd != 255)); then eval "exec $fd>&-"; fi; done
    exec >"$3"
    source "$1/scripts/lib/common.sh"; source "$1/scripts/lib/backends.sh"; STATE=$2

    """
}
