import Foundation

/// How Palaver runs.
public enum Profile: String, Sendable, CaseIterable, CustomStringConvertible {
  /// One server, by itself.
  case embedded
  /// Two servers on MariaDB, Redis and Elasticsearch.
  case stack

  /// Those for which this test run has what they need.
  public static var available: [Profile] { StackEnvironment.isAvailable ? [.embedded, .stack] : [.embedded] }

  public var description: String { rawValue }
}

/// A fresh Palaver with nothing in it: its own folder or its own place in the back ends, and its servers.
public final class Installation: @unchecked Sendable {
  public let profile: Profile
  /// The embedded profile's data.
  public let folder: URL
  public let stack: StackEnvironment?
  public let environment: [String: String]
  private let flags: [String]
  private let lock = NSLock()
  private var servers: [(process: PalaverProcess, port: Int)] = []

  /// - Parameters:
  ///   - flags: of `palaver serve`; open mode if there are none.
  ///   - environment: added to what the profile needs.
  public init(
    _ profile: Profile, flags: [String] = ["--auth", "open", "--allow-open"], environment extra: [String: String] = [:]
  ) throws {
    self.profile = profile
    self.flags = flags
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("palaver-data-\(UInt32.random(in: 0...UInt32.max))")
    stack = profile == .stack ? try StackEnvironment() : nil
    environment = (stack?.environment ?? ["PALAVER_DATA": folder.path]).merging(extra) { $1 }
    for _ in 0..<(profile == .stack ? 2 : 1) { servers.append(try start()) }
  }

  private func start() throws -> (process: PalaverProcess, port: Int) {
    try PalaverProcess.serve(flags: flags, environment: environment)
  }

  /// The port of a server; where there is only one, of that.
  public func port(_ index: Int = 0) -> Int { lock.withLock { servers[index % servers.count].port } }

  public func http(_ index: Int = 0) -> HTTPTestClient { HTTPTestClient(port: port(index)) }

  public func process(_ index: Int = 0) -> PalaverProcess { lock.withLock { servers[index % servers.count].process } }

  /// Kills every server at once, without a chance to tidy up.
  public func kill() {
    for server in lock.withLock({ servers }) { server.process.signal(SIGKILL) }
    for server in lock.withLock({ servers }) { _ = server.process.waitForExit(within: .seconds(10)) }
  }

  /// Starts as many servers as there were, on the same data.
  public func restart() throws {
    let fresh = try lock.withLock { servers }.map { _ in try start() }
    lock.withLock { servers = fresh }
  }

  /// Ends the servers and forgets all data.
  public func remove() {
    for server in lock.withLock({ servers }) { server.process.signal(SIGTERM) }
    for server in lock.withLock({ servers }) { server.process.terminate() }
    try? FileManager.default.removeItem(at: folder)
    try? stack?.drop()
  }
}
