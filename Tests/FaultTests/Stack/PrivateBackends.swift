import Drivers
import Foundation
import TestSupport

/// MariaDB and Redis of a test's own, and Elasticsearch where it is asked for, so that they can be killed without
/// disturbing anybody.
///
/// Started by `scripts/lib/backends.sh`, as everything else is, with full durability.
final class PrivateBackends: Sendable {
  enum Part: String, Sendable, CaseIterable {
    case mariadb, redis, elasticsearch
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

  /// Whether an Elasticsearch of one's own can be started without downloading one.
  static let canStartElasticsearch: Bool =
    (try? script("download_elasticsearch() { return 1; }; find_elasticsearch", folder: "/tmp")) != nil

  /// - Parameter elasticsearch: an own one too; see `canStartElasticsearch`.
  init(elasticsearch: Bool = false) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("palaver-faults-\(UInt32.random(in: 0...UInt32.max))")
    try FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    var ports = try [Part.mariadb: Self.freePort(), .redis: Self.freePort()]
    if elasticsearch { ports[.elasticsearch] = try Self.freePort() }
    self.ports = ports
    for part in parts { try start(part) }
  }

  /// Of a listener that is closed again.
  private static func freePort() throws -> Int {
    try script("free_port", folder: "/tmp").split(separator: "\n").last.flatMap { Int($0) } ?? 0
  }

  var parts: [Part] { Part.allCases.filter { ports[$0] != nil } }
  func port(of part: Part) -> Int { ports[part] ?? 0 }

  func start(_ part: Part) throws {
    let heap = part == .elasticsearch ? " 512m" : ""
    try Self.script(
      "unset ELASTICSEARCH_URL; start_\(part.rawValue) \(port(of: part))\(heap)", folder: folder.path)
  }

  func pid(of part: Part) throws -> Int32 {
    let text = try String(contentsOf: folder.appendingPathComponent("\(part.rawValue).pid"), encoding: .utf8)
    guard let pid = Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)), pid > 1 else {
      throw TestSupportError("no pid of \(part)")
    }
    return pid
  }

  /// Elasticsearch's launcher has a child that does the work.
  private func pids(of part: Part) throws -> [Int32] {
    let first = try pid(of: part)
    let tasks = "/proc/\(first)/task"
    let children = ((try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []).map { task in
      (try? String(contentsOfFile: "\(tasks)/\(task)/children", encoding: .utf8)) ?? ""
    }
    return [first] + children.flatMap { $0.split(separator: " ") }.compactMap { Int32($0) }.filter { $0 > 1 }
  }

  /// SIGKILL: what was not durable is gone.
  func kill(_ part: Part) throws {
    let pids = try pids(of: part).map(String.init)
    let waits = pids.map { "wait_until 20 is_gone \($0)" }.joined(separator: "; ")
    // Forgotten at once: the number may be another's by the time the rest is stopped.
    try Self.script(
      "kill -KILL \(pids.joined(separator: " ")) || true; sed -i '/^\(part.rawValue) /d' \"$STATE/pids\"; \(waits)",
      folder: folder.path)
  }

  func pause(_ part: Part) throws { for pid in try pids(of: part).reversed() { Foundation.kill(pid, SIGSTOP) } }
  func resume(_ part: Part) throws { for pid in try pids(of: part) { Foundation.kill(pid, SIGCONT) } }

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
    for part in parts { try? resume(part) }
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
    try withoutBlockedSignals { try shell.run() }
    shell.waitUntilExit()
    guard shell.terminationStatus == 0 else { throw TestSupportError("failed: \(body)") }
    return try String(contentsOf: output, encoding: .utf8)
  }

  /// Threads that come of Swift's own block signals, and what they start inherits that: a Redis that hears no SIGTERM.
  private static func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
    var none = sigset_t()
    var before = sigset_t()
    _ = unsafe sigemptyset(&none)
    _ = unsafe pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { _ = unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    try body()
  }

  /// What is started must not inherit this process's sockets and pipes.
  private static let preamble = """
    set -euo pipefail
    for fd in /proc/self/fd/*; do fd=${fd##*/}; if ((fd > 2 && fd != 255)); then eval "exec $fd>&-"; fi; done
    exec >"$3"
    source "$1/scripts/lib/common.sh"; source "$1/scripts/lib/backends.sh"; STATE=$2

    """
}
