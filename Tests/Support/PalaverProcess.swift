import Drivers
import Foundation

/// A running `palaver serve`, or another command of the built executable.
public final class PalaverProcess: @unchecked Sendable {
  /// Where the build put the executable: beside the test bundle, or where `PALAVER_TEST_BINARY` says.
  public static var executable: URL {
    if let path = ProcessInfo.processInfo.environment["PALAVER_TEST_BINARY"] { return URL(fileURLWithPath: path) }
    return URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent("palaver")
  }

  private let process = Process()
  private let output: OutputLines
  private let ended = DispatchSemaphore(value: 0)
  /// What it wrote on stderr.
  public let log: URL
  private let pidFile: URL

  /// - Parameter environment: added to this process's own, without what begins with `PALAVER_`.
  public init(arguments: [String], environment: [String: String] = [:]) throws {
    let folder = try Self.logFolder()
    let name = "palaver-\(UInt32.random(in: 0...UInt32.max))"
    log = folder.appendingPathComponent("\(name).log")
    pidFile = folder.appendingPathComponent("\(name).pid")
    guard FileManager.default.createFile(atPath: log.path, contents: nil) else {
      throw TestSupportError("cannot write \(log.path)")
    }
    let pipe = Pipe()
    process.executableURL = Self.executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PALAVER_") }
      .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = try FileHandle(forWritingTo: log)
    let ended = ended
    process.terminationHandler = { _ in ended.signal() }
    try process.run()
    output = OutputLines(pipe.fileHandleForReading)
    // A test run that is cut off leaves its servers behind; this tells scripts/test-stack which they are.
    try? "\(process.processIdentifier)\n".write(to: pidFile, atomically: true, encoding: .utf8)
  }

  private static func logFolder() throws -> URL {
    let path = ProcessInfo.processInfo.environment["PALAVER_TEST_LOGS"] ?? "/tmp/palaver-test-logs"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return URL(fileURLWithPath: path)
  }

  /// Starts `palaver serve` on a free port and waits until it serves.
  public static func serve(
    flags: [String] = [], environment: [String: String], within time: Duration = .seconds(60)
  ) throws -> (process: PalaverProcess, port: Int) {
    let process = try PalaverProcess(arguments: ["serve", "--listen", "127.0.0.1:0"] + flags, environment: environment)
    let deadline = ContinuousClock.now + time
    while let line = process.output.next(until: deadline) {
      guard line.hasPrefix("listening on http://"), let port = line.split(separator: ":").last.flatMap({ Int($0) })
      else { continue }
      return (process, port)
    }
    process.kill()
    throw TestSupportError("the server did not start: \(process.logText.suffix(2_000))")
  }

  /// Runs a command to its end.
  public static func run(
    _ arguments: [String], environment: [String: String] = [:], within time: Duration = .seconds(60)
  ) throws -> (status: Int32, output: [String], errors: String) {
    let process = try PalaverProcess(arguments: arguments, environment: environment)
    let deadline = ContinuousClock.now + time
    var lines: [String] = []
    while let line = process.output.next(until: deadline) { lines.append(line) }
    guard let status = process.waitForExit(within: time) else {
      process.kill()
      throw TestSupportError("palaver \(arguments.joined(separator: " ")) did not end")
    }
    return (status, lines, process.logText)
  }

  public var logText: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }
  public var isRunning: Bool { process.isRunning }

  /// The exit status, or `nil` if it still runs after that time. A signal counts as 128 and its number.
  public func waitForExit(within time: Duration) -> Int32? {
    guard ended.wait(timeout: .now() + .seconds(Int(time.components.seconds))) == .success else { return nil }
    ended.signal()
    try? FileManager.default.removeItem(at: pidFile)
    return process.terminationReason == .uncaughtSignal ? 128 + process.terminationStatus : process.terminationStatus
  }

  /// SIGTERM, and the exit status; by force after that time.
  @discardableResult
  public func terminate(within time: Duration = .seconds(20)) -> Int32? {
    signal(SIGTERM)
    if let status = waitForExit(within: time) { return status }
    kill()
    return nil
  }

  /// SIGKILL: nothing is flushed, nobody is told.
  public func kill() {
    signal(SIGKILL)
    _ = waitForExit(within: .seconds(10))
  }

  public func signal(_ number: Int32) {
    if process.isRunning { Foundation.kill(process.processIdentifier, number) }
  }
}

/// The lines of a pipe, read by a thread of its own, so that a test can wait for one and the writer never blocks.
private final class OutputLines: Sendable {
  private let lines = WorkQueue<String>()
  private let waiting = LockedList()

  init(_ handle: FileHandle) {
    let lines = lines
    _ = WorkerThread(name: "test-output") {
      var rest: [UInt8] = []
      while case let data = handle.availableData, !data.isEmpty {
        rest += data
        while let end = rest.firstIndex(of: 0x0A) {
          lines.put(String(decoding: rest[..<end], as: UTF8.self))
          rest.removeFirst(end + 1)
        }
      }
      if !rest.isEmpty { lines.put(String(decoding: rest, as: UTF8.self)) }
      lines.close()
    }
  }

  /// `nil` at the end of the output, or when the time is over.
  func next(until deadline: ContinuousClock.Instant) -> String? {
    while ContinuousClock.now < deadline {
      if let line = waiting.removeFirst() { return line }
      guard let taken = lines.takeAll(waiting: 200) else { return nil }
      waiting.append(taken)
    }
    return nil
  }
}

private final class LockedList: @unchecked Sendable {
  private let lock = NSLock()
  private var lines: [String] = []

  func append(_ more: [String]) { lock.withLock { lines += more } }
  func removeFirst() -> String? { lock.withLock { lines.isEmpty ? nil : lines.removeFirst() } }
}
