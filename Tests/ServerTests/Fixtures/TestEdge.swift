import ChatRooms
import Drivers
import Foundation

@testable import HistoryIndex
@testable import server

/// Two loops on a free port, and what a test wants besides.
func configured(_ configure: (inout EdgeConfiguration) -> Void) -> EdgeConfiguration {
  var configuration = EdgeConfiguration()
  configuration.http.port = 0
  configuration.loops = 2
  configure(&configuration)
  return configuration
}

/// An edge on a free port of the loopback interface, over fakes.
final class TestEdge: Sendable {
  let hub = FakeHub()
  let presence = FakePresence()
  let bus = FakeBus()
  let metrics = Metrics()
  let notifier: PresenceNotifier
  let edge: Edge
  let port: UInt16

  private init(_ configuration: EdgeConfiguration) throws {
    notifier = PresenceNotifier(presence: presence, bus: bus, joiner: hub)
    let history = FakeHistory(count: 10)
    let services = SessionServices(
      rooms: FakeRooms(), presence: presence, writer: hub, joiner: hub, authority: FakeAuthority(presence: presence),
      commands: MessageCommands(rooms: FakeRooms(), history: history, writer: hub),
      pages: HistoryPages(journal: history, history: history), notifier: notifier, log: .silent)
    edge = try Edge(
      configuration: configuration, services: services, handler: TestRoutes(presence: presence), metrics: metrics,
      log: .silent)
    port = try edge.start()
  }

  /// Runs `body` against a running edge and stops it afterwards.
  static func run(
    _ configuration: EdgeConfiguration = configured { _ in }, _ body: (TestEdge) async throws -> Void
  ) async throws {
    let test = try TestEdge(configuration)
    let running = Task { await test.edge.run() }
    defer { running.cancel() }
    do {
      try await withTaskExecutorPreference(ThreadPerJobExecutor()) { try await body(test) }
    } catch {
      await test.edge.stop()
      throw error
    }
    await test.edge.stop()
    await running.value
  }

  func connect(_ path: String, headers: String = "", extra: [UInt8] = []) throws -> TestSocket {
    let socket = try TestSocket(port: port)
    try socket.handshake(path, headers: headers, extra: extra)
    return socket
  }

  func metric(_ line: String) -> Double? {
    metrics.text.split(separator: "\n").first { $0.hasPrefix(line + " ") }.flatMap {
      Double($0.split(separator: " ").last ?? "")
    }
  }
}

/// Runs each job on a thread of its own: test clients block, which Swift's cooperative threads must not.
private final class ThreadPerJobExecutor: TaskExecutor {
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let executor = unsafe asUnownedTaskExecutor()
    Thread.detachNewThread { unsafe job.runSynchronously(on: executor) }
  }
}

/// What the routes answer here: enough to see what the edge makes of it.
struct TestRoutes: HTTPHandler {
  var presence: FakePresence

  func handle(_ request: HTTPRequest) async throws -> HTTPReply {
    switch request.path.first {
    case "echo":
      return .response(
        .json {
          $0.member("method", request.method)
          $0.member("path", request.path.joined(separator: "|"))
          $0.member("query", request.query.map { "\($0.name)=\($0.value)" }.joined(separator: "|"))
          $0.member("bytes", request.body.count)
          $0.member("address", request.remoteAddress)
        })
    case "busy": throw ChatError.unavailable("Something", retryAfter: 1_500)
    case "broken": throw CancellationError()
    case "raw": return joining(request, .raw)
    case "v1": return joining(request, .v1)
    case "connect": return .webSocket(upgrade(room: nil))
    default: throw ChatError(404, "not_found", "Nothing is here.")
    }
  }

  private func joining(_ request: HTTPRequest, _ format: WireFormat) -> HTTPReply {
    let user = request.parameter("user") == "bob" ? bob : anna
    presence.enterNow(room: 1, user: user.name)
    return .webSocket(upgrade(user, format: format, expiresAt: request.parameter("expires").flatMap(Int64.init)))
  }
}
