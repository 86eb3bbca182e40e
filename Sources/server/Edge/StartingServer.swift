import ChatRooms
import Drivers
import Glibc

/// Holds the address from the first moment on: while the database is waited for, `/healthz` says that the process lives,
/// everything else that it is not ready. What connects while the server itself takes over waits in the socket's queue.
final class StartingServer: Sendable {
  private let server: HTTPServer
  private let socket: ListeningSocket

  /// - Throws: `ListenError`.
  init(_ configuration: HTTPServerConfiguration) throws {
    socket = try ListeningSocket.open(host: configuration.host, port: configuration.port)
    server = HTTPServer(
      configuration: configuration, handler: StartingHandler(), acceptor: NoWebSockets(), pool: TaskPool(),
      metrics: EdgeMetrics(Metrics()), log: .silent)
    // The daemon closes the descriptor that it is given.
    _ = try server.start(on: ListeningSocket(descriptor: dup(socket.descriptor), port: socket.port))
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
    var response = HTTPResponse.error(error, requestID: request.id)
    if request.path == ["readyz"] { response.body = Array(#"{"status":"starting","#.utf8) + response.body.dropFirst() }
    return .response(response)
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
