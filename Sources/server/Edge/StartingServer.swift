import ChatRooms
import Drivers
import Glibc

/// Holds the address from the first moment on. What connects waits in the socket's queue; where the database has to be
/// waited for, `/healthz` says that the process lives, and everything else that it is not ready.
final class StartingServer: Sendable {
  /// A start that takes no longer than this is not worth an answer that turns somebody away.
  static let grace = Duration.seconds(2)

  private let server: HTTPServer
  private let socket: ListeningSocket

  /// - Throws: `ListenError`.
  init(_ configuration: HTTPServerConfiguration) throws {
    socket = try ListeningSocket.open(host: configuration.host, port: configuration.port)
    server = HTTPServer(
      configuration: configuration, handler: StartingHandler(), acceptor: NoWebSockets(), pool: TaskPool(),
      metrics: EdgeMetrics(Metrics()), log: .silent)
  }

  /// Answers while `body` waits for others.
  func answering<Result: Sendable>(while body: () async throws -> Result) async throws -> Result {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [self] in
        try await Task.sleep(for: Self.grace)
        // The daemon closes the descriptor that it is given.
        _ = try server.start(on: ListeningSocket(descriptor: dup(socket.descriptor), port: socket.port))
      }
      defer { group.cancelAll() }
      return try await body()
    }
  }

  /// Answers nobody any more. Returns the socket, which listens on.
  func handOver() async -> ListeningSocket {
    server.stopListening()
    await Blocking.run(server.stop)
    return socket
  }
}

/// Needs nothing but the request.
private struct StartingHandler: HTTPHandler {
  func immediate(_ request: HTTPRequest) -> HTTPReply? {
    if request.path == ["healthz"] { return .response(.json { $0.member("status", "ok") }) }
    let error = ChatError(503, "starting", "This server is starting. Try again in a moment.", retryAfter: 1_000)
    let isAskedForReadiness = request.path == ["readyz"]
    return .response(
      .error(error, requestID: request.id) { if isAskedForReadiness { $0.member("status", "starting") } })
  }

  func handle(_ request: HTTPRequest) async throws -> HTTPReply {
    throw ChatError.unavailable("The server")
  }
}

private final class NoWebSockets: WebSocketAcceptor {
  func reserve() -> Bool { false }
  func adopt(descriptor: Int32, _ upgrade: WebSocketUpgrade, input: [UInt8]) { close(descriptor) }
  func abandon(_ upgrade: WebSocketUpgrade, isReserved: Bool) {}
}
