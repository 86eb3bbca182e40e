import CLinux
import CMicroHTTPD
import Drivers
import Glibc

/// libmicrohttpd 0.9.75 on a thread that others share. It calls the C functions below, which find the daemon and a
/// connection's own state behind untyped pointers.
@safe
final class HTTPDaemon: PolledWork, @unchecked Sendable {
  fileprivate unowned let server: HTTPServer
  private let thread: PollingThread
  // The thread's own.
  private var pointer: OpaquePointer?
  private var isReady = true

  /// - Parameters:
  ///   - server: must outlive the daemon.
  ///   - socket: the daemon's from now on.
  ///   - connections: at most as many at once.
  /// - Throws: `ListenError`
  init(serving server: HTTPServer, on socket: ListeningSocket, thread: PollingThread, connections: Int) throws {
    self.server = server
    self.thread = thread
    let configuration = server.configuration
    unsafe pointer = palaver_mhd_start(
      socket.descriptor, UInt32(connections), configuration.idleSeconds, configuration.headerMemory, handleRequest,
      beginRequest, completeRequest, connectionChanged, Unmanaged.passUnretained(self).toOpaque())
    guard let pointer = unsafe pointer else {
      close(socket.descriptor)
      throw ListenError(address: "\(configuration.host):\(socket.port)", reason: "libmicrohttpd did not start")
    }
    let descriptor = unsafe palaver_mhd_descriptor(pointer)
    thread.perform { [self] in
      thread.add(self)
      thread.watch(descriptor, Poller.Interest(reading: true, writing: false), for: self)
    }
  }

  /// Takes no new connections; those that are there go on.
  func stopListening() {
    perform { [self] in
      let socket = unsafe MHD_quiesce_daemon(pointer)
      if socket >= 0 { close(socket) }
    }
  }

  /// Ends the thread and every connection. Blocks.
  func stop() { thread.stop() }

  /// Does something with the daemon on its thread, now or soon, and has it go on.
  func perform(_ change: @escaping @Sendable () -> Void) {
    guard PollingThread.current !== thread else {
      isReady = true
      return change()
    }
    thread.perform { [self] in
      isReady = true
      change()
    }
  }

  // MARK: - On the thread

  func ready(_ descriptor: Int32, _ event: Poller.Event) { isReady = true }

  var due: Int64 {
    if isReady { return .min }
    let wait = unsafe palaver_mhd_wait(pointer)
    return wait < 0 ? .max : MonotonicClock.now + wait
  }

  func turn() {
    isReady = false
    unsafe MHD_run(pointer)
  }

  /// Ends every connection. None may be suspended any more; one that was resumed gets its reply.
  func end() {
    // The reply is made in one turn, and what is left of it sent in the next.
    for _ in 0..<2 { turn() }
    unsafe MHD_stop_daemon(pointer)
    unsafe pointer = nil
  }
}

/// What libmicrohttpd keeps for one connection from its beginning to its end.
final class HTTPConnection {
  let descriptor: Int32
  var exchange: HTTPExchange?

  init(descriptor: Int32) { self.descriptor = descriptor }
}

extension DaemonConnection {
  /// Lets `takeUpgraded` have the socket once the 101 is on its way.
  func queueUpgrade(_ headers: [(name: String, value: String)]) -> Bool {
    unsafe queue(MHD_create_response_for_upgrade(takeUpgraded, context), status: 101, headers)
  }
}

// MARK: - Functions that C calls

private func daemon(_ context: UnsafeMutableRawPointer?) -> HTTPDaemon? {
  unsafe context.map { unsafe Unmanaged<HTTPDaemon>.fromOpaque($0).takeUnretainedValue() }
}

private func state(_ connection: OpaquePointer?) -> HTTPConnection? {
  guard let connection = unsafe connection, let context = unsafe palaver_mhd_connection_context(connection) else {
    return nil
  }
  return unsafe Unmanaged<HTTPConnection>.fromOpaque(context).takeUnretainedValue()
}

private let connectionChanged: MHD_NotifyConnectionCallback = { context, connection, slot, change in
  guard let daemon = unsafe daemon(context), let connection = unsafe connection, let slot = unsafe slot else { return }
  if change == .CONNECTION_NOTIFY_STARTED {
    let state = HTTPConnection(descriptor: unsafe DaemonConnection(connection, of: daemon).descriptor)
    unsafe slot.pointee = Unmanaged.passRetained(state).toOpaque()
    daemon.server.connected(state)
  } else if let stored = unsafe slot.pointee {
    unsafe slot.pointee = nil
    daemon.server.disconnected(unsafe Unmanaged<HTTPConnection>.fromOpaque(stored).takeRetainedValue())
  }
}

/// The request line has come.
private let beginRequest: palaver_mhd_begin = { context, target, connection in
  guard let daemon = unsafe daemon(context), let state = unsafe state(connection), let target = unsafe target else {
    return nil
  }
  daemon.server.requestBegan(unsafe Array(UnsafeRawBufferPointer(start: target, count: strlen(target))), on: state)
  return nil
}

private let handleRequest: MHD_AccessHandlerCallback = { context, connection, _, method, _, data, size, _ in
  guard let daemon = unsafe daemon(context), let state = unsafe state(connection), let method = unsafe method,
    let connection = unsafe connection, let size = unsafe size
  else { return .NO }
  let body = unsafe UnsafeRawBufferPointer(start: data, count: size.pointee)
  unsafe size.pointee = 0
  let isGoingOn = unsafe daemon.server.advance(
    state, DaemonConnection(connection, of: daemon), method: String(cString: method), body: body)
  return isGoingOn ? .YES : .NO
}

private let completeRequest: MHD_RequestCompletedCallback = { context, connection, _, _ in
  guard let daemon = unsafe daemon(context), let state = unsafe state(connection) else { return }
  daemon.server.requestEnded(on: state)
}

private let takeUpgraded: MHD_UpgradeHandler = { context, connection, _, input, count, socket, handle in
  guard let daemon = unsafe daemon(context) else { return }
  let extra = unsafe Array(UnsafeRawBufferPointer(start: input, count: count))
  if let state = unsafe state(connection) { daemon.server.takeOver(state, socket, extra) }
  nonisolated(unsafe) let handle = unsafe handle
  daemon.perform { unsafe palaver_mhd_release_upgraded(handle) }
}
