import Drivers
import Foundation

/// A Redis server of a test's own, to be stopped and started again at the same place.
public final class PrivateRedis: @unchecked Sendable {
  public let url: RedisURL
  private let folder: URL
  private var process: Process?

  /// `nil` where there is no `redis-server` on this machine.
  public init?(password: String? = nil) throws {
    guard FileManager.default.isExecutableFile(atPath: Self.executable) else { return nil }
    let port = try LoopbackListener().port
    url = RedisURL(host: "127.0.0.1", port: port, password: password)
    folder = FileManager.default.temporaryDirectory.appending(path: "palaver-redis-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try start()
  }

  deinit {
    stop()
    try? FileManager.default.removeItem(at: folder)
  }

  public static let executable = "/usr/bin/redis-server"
  public static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: executable) }

  public func start() throws {
    let process = Process()
    process.executableURL = URL(filePath: Self.executable)
    process.arguments =
      ["--port", "\(url.port)", "--bind", "127.0.0.1", "--dir", folder.path, "--save", "", "--logfile", "log"]
      + (url.password.map { ["--requirepass", $0] } ?? [])
    try process.run()
    self.process = process
  }

  /// Kills it, as a crash would.
  public func stop() {
    guard let process else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    self.process = nil
  }

  /// Stops it from running, and lets it go on, without closing a connection.
  public func pause() { if let process { kill(process.processIdentifier, SIGSTOP) } }
  public func resume() { if let process { kill(process.processIdentifier, SIGCONT) } }
}

/// Waits until something holds, looking every few milliseconds. Returns false after `seconds`.
public func eventually(seconds: Double = 10, _ condition: () async throws -> Bool) async rethrows -> Bool {
  let deadline = Date(timeIntervalSinceNow: seconds)
  while Date() < deadline {
    if try await condition() { return true }
    try? await Task.sleep(for: .milliseconds(5))
  }
  return try await condition()
}

/// Values that threads add and a test reads.
public final class Collected<Element: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var elements: [Element] = []

  public init() {}

  public func append(_ element: Element) { lock.withLock { elements.append(element) } }
  public var all: [Element] { lock.withLock { elements } }
}

extension RedisClient {
  /// A command with more time than a busy machine may take.
  public func ask(_ arguments: [RedisArgument]) async throws(RedisError) -> RedisReply {
    try await command(arguments, timeout: 10_000)
  }
}
