import CLinux
import CMicroHTTPD
import Drivers
import Glibc

/// libmicrohttpd 0.9.75, running. Its thread calls the C functions below, which find the server and a connection's own
/// state behind untyped pointers.
@safe
final class HTTPDaemon: @unchecked Sendable {
  private let pointer: OpaquePointer
  let port: UInt16

  /// - Parameters:
  ///   - server: must outlive the daemon.
  ///   - socket: the daemon's from now on.
  /// - Throws: `ListenError`
  init(serving server: HTTPServer, on socket: ListeningSocket) throws {
    let configuration = server.configuration
    let daemon = unsafe palaver_mhd_start(
      socket.descriptor, UInt32(configuration.threads), UInt32(configuration.connections), configuration.idleSeconds,
      configuration.headerMemory, handleRequest, beginRequest, completeRequest, connectionChanged,
      Unmanaged.passUnretained(server).toOpaque())
    guard let daemon = unsafe daemon else {
      close(socket.descriptor)
      throw ListenError(address: "\(configuration.host):\(socket.port)", reason: "libmicrohttpd did not start")
    }
    unsafe pointer = daemon
    port = socket.port
  }

  /// Takes no new connections; those that are there go on.
  func stopListening() {
    let descriptor = unsafe MHD_quiesce_daemon(pointer)
    if descriptor >= 0 { close(descriptor) }
  }

  /// Ends every connection, once. None may be suspended any more. Blocks.
  func stop() { unsafe MHD_stop_daemon(pointer) }
}

/// What libmicrohttpd keeps for one connection from its beginning to its end.
final class HTTPConnection {
  let descriptor: Int32
  var exchange: HTTPExchange?

  init(descriptor: Int32) { self.descriptor = descriptor }
}

extension HTTPServer {
  /// Lets `takeUpgraded` have the socket once the 101 is on its way.
  func queueUpgrade(_ headers: [(name: String, value: String)], on connection: DaemonConnection) -> Bool {
    unsafe connection.queueUpgrade(
      headers: headers, handler: takeUpgraded, context: Unmanaged.passUnretained(self).toOpaque())
  }
}

// MARK: - Functions that C calls

private func server(_ context: UnsafeMutableRawPointer?) -> HTTPServer? {
  unsafe context.map { unsafe Unmanaged<HTTPServer>.fromOpaque($0).takeUnretainedValue() }
}

private func state(_ connection: OpaquePointer?) -> HTTPConnection? {
  guard let connection = unsafe connection, let context = unsafe palaver_mhd_connection_context(connection) else {
    return nil
  }
  return unsafe Unmanaged<HTTPConnection>.fromOpaque(context).takeUnretainedValue()
}

private let connectionChanged: MHD_NotifyConnectionCallback = { context, connection, slot, change in
  guard let server = unsafe server(context), let connection = unsafe connection, let slot = unsafe slot else { return }
  if change == .CONNECTION_NOTIFY_STARTED {
    let state = HTTPConnection(descriptor: unsafe DaemonConnection(connection).descriptor)
    unsafe slot.pointee = Unmanaged.passRetained(state).toOpaque()
    server.connected(state)
  } else if let stored = unsafe slot.pointee {
    unsafe slot.pointee = nil
    server.disconnected(unsafe Unmanaged<HTTPConnection>.fromOpaque(stored).takeRetainedValue())
  }
}

/// The request line has come.
private let beginRequest: palaver_mhd_begin = { context, target, connection in
  guard let server = unsafe server(context), let state = unsafe state(connection), let target = unsafe target else {
    return nil
  }
  server.requestBegan(unsafe Array(UnsafeRawBufferPointer(start: target, count: strlen(target))), on: state)
  return nil
}

private let handleRequest: MHD_AccessHandlerCallback = { context, connection, _, method, _, data, size, _ in
  guard let server = unsafe server(context), let state = unsafe state(connection), let method = unsafe method,
    let connection = unsafe connection, let size = unsafe size
  else { return .NO }
  let body = unsafe UnsafeRawBufferPointer(start: data, count: size.pointee)
  unsafe size.pointee = 0
  let isGoingOn = unsafe server.advance(
    state, DaemonConnection(connection), method: String(cString: method), body: body)
  return isGoingOn ? .YES : .NO
}

private let completeRequest: MHD_RequestCompletedCallback = { context, connection, _, _ in
  guard let server = unsafe server(context), let state = unsafe state(connection) else { return }
  server.requestEnded(on: state)
}

private let takeUpgraded: MHD_UpgradeHandler = { context, connection, _, input, count, socket, handle in
  let extra = unsafe Array(UnsafeRawBufferPointer(start: input, count: count))
  if let server = unsafe server(context), let state = unsafe state(connection) {
    server.takeOver(state, socket, extra)
  }
  unsafe palaver_mhd_release_upgraded(handle)
}
