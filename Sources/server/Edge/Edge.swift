import ChatRooms
import Drivers
import Foundation
import HistoryIndex

struct EdgeConfiguration: Sendable {
  var http = HTTPServerConfiguration()
  var sockets = SocketLoopConfiguration()
  /// Threads that own WebSockets.
  var loops = max(1, ProcessInfo.processInfo.activeProcessorCount)
  /// Milliseconds over which the clients of a draining server are asked to spread their return.
  var reconnectWithin = 5_000
}

/// Everything that clients connect to: the HTTP server, the loops of the WebSockets, and what both run on.
///
/// `start()`, then `run()` until it is cancelled; before that `drain(within:)`, and `stop()` at the end.
final class Edge: Sendable {
  let configuration: EdgeConfiguration
  private let pool = TaskPool()
  private let sockets: SocketLoops
  private let server: HTTPServer
  private let notifier: PresenceNotifier

  /// - Throws: `ListenError` where the process may open no more files.
  init(
    configuration: EdgeConfiguration, services: SessionServices, handler: any HTTPHandler, client: HTTPClient? = nil,
    metrics: Metrics, log: Log
  ) throws {
    self.configuration = configuration
    let counts = EdgeMetrics(metrics)
    notifier = services.notifier
    sockets = try SocketLoops(
      count: configuration.loops, configuration: configuration.sockets, limit: configuration.http.webSockets,
      services: services, pool: pool, metrics: counts)
    server = HTTPServer(
      configuration: configuration.http, handler: handler, acceptor: sockets, pool: pool, client: client,
      metrics: counts, log: log)
  }

  /// Begins to listen, on a socket that is bound already or on one of its own. Returns the port. - Throws: `ListenError`.
  func start(on socket: ListeningSocket? = nil) throws -> UInt16 { try server.start(on: socket) }

  /// Runs handlers and timers until `stop()` or cancellation.
  func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.pool.run() }
      group.addTask { await self.notifier.run() }
      group.addTask { await self.enforceDeadlines() }
      await group.next()
      group.cancelAll()
    }
  }

  private func enforceDeadlines() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(1))
      server.deadlines.enforce(at: MonotonicClock.now)
    }
  }

  /// Takes no new WebSockets, says goodbye to those that are open and waits until they are closed. Requests over HTTP
  /// are still answered.
  func drain(within time: Duration) async {
    await sockets.drain(within: time, reconnectWithin: configuration.reconnectWithin)
  }

  /// Ends what is left. `run()` returns once every handler has.
  func stop() async {
    server.stopListening()
    pool.finish()
    await pool.finished()
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { [server, sockets] in
        server.stop()
        sockets.stop()
        continuation.resume()
      }
    }
  }
}
