import ChatRooms
import Drivers
import Glibc

struct HTTPServerConfiguration: Sendable {
  var host = "127.0.0.1"
  /// 0 picks a free one.
  var port: UInt16 = 8081
  /// Connections that speak HTTP at once; WebSockets are counted by themselves.
  var connections = 2_048
  var webSockets = 16_384
  var threads = 1
  /// Bytes for the headers of one request and their reply.
  var headerMemory = 32 << 10
  /// Seconds without a byte in either direction.
  var idleSeconds: UInt32 = 60
  /// Milliseconds within which a request has to be complete.
  var requestTime: Int64 = 30_000
  var origins = OriginPolicy()
}

/// Where granted WebSockets go.
protocol WebSocketAcceptor: AnyObject, Sendable {
  /// Room for one more; it is taken until `adopt` or `abandon`.
  func reserve() -> Bool
  /// The descriptor belongs to the acceptor from now on. `input`: what the client sent behind its handshake.
  func adopt(descriptor: Int32, _ upgrade: WebSocketUpgrade, input: [UInt8])
  /// The handshake was not completed: gives back the presence that was entered for it.
  func abandon(_ upgrade: WebSocketUpgrade, isReserved: Bool)
}

/// The HTTP side of the edge: libmicrohttpd reads, bounds and times requests, on threads that poll both its sockets and
/// those of the requests that handlers send; handlers answer as children of a task pool, if not at once; what becomes a
/// WebSocket leaves libmicrohttpd at once.
///
/// `HTTPServer+Requests.swift` holds what becomes of a request, `HTTPDaemon.swift` the boundary to C.
final class HTTPServer: @unchecked Sendable {
  let configuration: HTTPServerConfiguration
  let pool: TaskPool
  let metrics: EdgeMetrics
  let acceptor: any WebSocketAcceptor
  let deadlines = RequestDeadlines()
  let suspended = SuspendedRequests()
  /// Requests of which something is kept; for tests.
  let exchanges = LiveCount()
  private let handler: any HTTPHandler
  /// What handlers send requests with, if they do; those of `begin` go out on the thread that has read the request.
  private let client: HTTPClient?
  private let log: Log
  // Set by `start()` and `stop()`, which one task calls.
  private var daemons: [HTTPDaemon] = []

  init(
    configuration: HTTPServerConfiguration, handler: any HTTPHandler, acceptor: any WebSocketAcceptor, pool: TaskPool,
    client: HTTPClient? = nil, metrics: EdgeMetrics, log: Log
  ) {
    self.configuration = configuration
    self.handler = handler
    self.client = client
    self.acceptor = acceptor
    self.pool = pool
    self.metrics = metrics
    self.log = log
  }

  /// Begins to listen, on a socket that is bound already or on one of its own. Returns the port. - Throws: `ListenError`.
  func start(on socket: ListeningSocket? = nil) throws -> UInt16 {
    let socket = try socket ?? ListeningSocket.open(host: configuration.host, port: configuration.port)
    defer { close(socket.descriptor) }
    do {
      for number in 0..<configuration.threads { try startThread(number, on: socket) }
    } catch {
      stop()
      throw error
    }
    return socket.port
  }

  /// All threads take connections from the same queue.
  private func startThread(_ number: Int, on socket: ListeningSocket) throws {
    let tooManyFiles = ListenError(address: "\(configuration.host):\(socket.port)", reason: "too many open files")
    guard let thread = PollingThread(name: "api-\(number)") else { throw tooManyFiles }
    let share = (configuration.connections + configuration.threads - 1) / configuration.threads
    do {
      let own = ListeningSocket(descriptor: fcntl(socket.descriptor, F_DUPFD_CLOEXEC, 0), port: socket.port)
      guard own.descriptor >= 0 else { throw tooManyFiles }
      daemons.append(try HTTPDaemon(serving: self, on: own, thread: thread, connections: share))
      client?.join(thread)
    } catch {
      thread.stop()
      throw error
    }
  }

  /// Takes no new connections; those that are there go on.
  func stopListening() {
    for daemon in daemons { daemon.stopListening() }
  }

  /// Ends every connection. Handlers that are still at work answer nobody. Blocks.
  func stop() {
    for exchange in suspended.close() { turnAway(exchange) }
    for daemon in daemons { daemon.stop() }
    daemons = []
  }

  /// What is answered on the daemon's own thread, because nothing has to be waited for; `nil` where the route is to be
  /// asked.
  func immediateReply(to request: HTTPRequest) throws(ChatError) -> HTTPReply? {
    if try configuration.origins.check(request) == .preflight { return .response(OriginPolicy.preflight) }
    return handler.immediate(request)
  }

  /// Has the route ask others.
  func begin(_ request: HTTPRequest) -> BegunReply? { handler.begin(request) }

  /// Asks the route, or goes on with what it has begun. Never throws: errors become replies.
  func reply(to request: HTTPRequest, _ begun: BegunReply?) async -> HTTPReply {
    do {
      let reply = if let begun { try await begun.reply() } else { try await handler.handle(request) }
      guard case .webSocket(let upgrade) = reply else { return reply }
      return .webSocket(try grant(upgrade, request))
    } catch {
      return .response(errorResponse(error, requestID: request.id))
    }
  }

  private func grant(_ upgrade: WebSocketUpgrade, _ request: HTTPRequest) throws(ChatError) -> WebSocketUpgrade {
    do {
      _ = try WebSocketHandshake(request)
    } catch {
      acceptor.abandon(upgrade, isReserved: false)
      throw error
    }
    guard acceptor.reserve() else {
      acceptor.abandon(upgrade, isReserved: false)
      throw ChatError.unavailable("Room for another connection", retryAfter: 2_000)
    }
    return upgrade
  }

  func errorResponse(_ error: any Error, requestID: String) -> HTTPResponse {
    if let error = error as? ChatError { return .error(error, requestID: requestID) }
    log.error("a request failed", ["request": requestID, "error": "\(error)"])
    let internalError = ChatError(500, "internal", "Something went wrong inside of the server.")
    return .error(internalError, requestID: requestID)
  }

  /// Notes a reply that is on its way.
  func replied(_ status: Int, _ exchange: HTTPExchange) {
    metrics.replied(status)
    guard log.level == .debug else { return }
    // Without the query, which may hold a token.
    let path = exchange.target.prefix { $0 != UInt8(ascii: "?") }
    log.debug(
      "request",
      [
        "method": exchange.method, "path": String(decoding: path, as: UTF8.self), "status": "\(status)",
        "request": exchange.requestID, "ms": "\(MonotonicClock.now - exchange.startedAt)",
        "address": exchange.request?.remoteAddress ?? "",
      ])
  }
}
