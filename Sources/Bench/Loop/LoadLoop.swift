import CLinux
import Drivers
import Glibc

/// An epoll loop with all connections of a run, on the thread that calls `run`: no thread or task a connection.
///
/// What clients queue is written once a turn; what comes in is parsed where it was read to.
final class LoadLoop {
  private static let timerToken: UInt64 = 0
  private static let readSize = 256 << 10

  let breaches = BreachLog()
  private let address: ServerAddress
  private let poller: Poller
  private let timer: LoopTimer
  private var connections: [UInt64: LoadConnection] = [:]
  private var lastToken = timerToken
  private var clients: [any LoadClient] = []
  private var dirty: [LoadConnection] = []
  /// What was read, of whichever connection.
  private var buffer = [UInt8](repeating: 0, count: readSize)
  private var masks: SplitMix64

  /// - Throws: `BenchError` where the process may open no more files.
  init(address: ServerAddress, seed: UInt64) throws(BenchError) {
    guard let poller = Poller(), let timer = LoopTimer() else { throw BenchError("too many open files") }
    self.address = address
    self.poller = poller
    self.timer = timer
    masks = SplitMix64(seed: ~seed)
    poller.add(timer.descriptor, token: Self.timerToken, Poller.Interest(reading: true, writing: false))
  }

  /// A client whose time comes by itself.
  func add(_ client: any LoadClient) { clients.append(client) }
  func remove(_ client: any LoadClient) { clients.removeAll { $0 === client } }

  // MARK: - Connections

  /// Opens a connection; a WebSocket's handshake is sent at once.
  ///
  /// - Parameters:
  ///   - request: the first thing to send.
  ///   - number: which of the client's connections it is.
  /// - Returns: `nil` where there can be none: too many open files, no free port.
  func connect(
    _ kind: LoadConnection.Kind, request: [UInt8], client: any LoadClient, number: Int
  ) -> LoadConnection? {
    guard let descriptor = address.connect() else { return nil }
    lastToken += 1
    let connection = LoadConnection(
      kind: kind, descriptor: descriptor, token: lastToken, client: client, number: number)
    connections[lastToken] = connection
    // Writable once it is connected.
    connection.interest.writing = true
    poller.add(descriptor, token: lastToken, connection.interest)
    connection.outgoing = request
    return connection
  }

  /// Sends bytes as they are.
  func send(_ bytes: [UInt8], on connection: LoadConnection) {
    guard connection.phase != .closed else { return }
    connection.outgoing.append(contentsOf: bytes)
    markDirty(connection)
  }

  /// Sends a frame.
  func send(_ opcode: ServerFrame.Opcode = .text, frame payload: [UInt8], on connection: LoadConnection) {
    guard connection.phase != .closed else { return }
    ClientFrame.append(
      opcode, payload, mask: UInt32(truncatingIfNeeded: masks.next()), to: &connection.outgoing)
    markDirty(connection)
  }

  /// Ends a connection at once; its client is not told.
  func close(_ connection: LoadConnection) {
    guard connection.phase != .closed else { return }
    connection.phase = .closed
    connections[connection.token] = nil
    poller.remove(connection.descriptor)
    Glibc.close(connection.descriptor)
  }

  func closeAll() {
    for connection in Array(connections.values) { close(connection) }
    clients = []
    dirty = []
  }

  // MARK: - Turns

  /// Runs until `isDone` or the time is over.
  ///
  /// - Returns: whether it was done in time.
  func run(until deadline: Int64, isDone: (Int64) -> Bool) -> Bool {
    while true {
      let now = NanosecondClock.now
      var next = min(deadline, now + NanosecondClock.second / 10)
      for client in clients { next = min(next, client.perform(at: now)) }
      flush()
      if isDone(now) { return true }
      if now >= deadline { return false }
      timer.set(next)
      for event in poller.wait(timeout: -1) { take(event) }
    }
  }

  private func take(_ event: Poller.Event) {
    guard event.token != Self.timerToken else { return timer.acknowledge() }
    guard let connection = connections[event.token] else { return }
    if event.isWritable { write(connection) }
    if event.isReadable || event.isBroken { read(connection) }
  }

  private func end(_ connection: LoadConnection, _ reason: String) {
    guard connection.phase != .closed else { return }
    close(connection)
    connection.client.ended(connection, reason, at: NanosecondClock.now)
  }

  // MARK: - Out

  private func markDirty(_ connection: LoadConnection) {
    guard !connection.isDirty, !connection.interest.writing else { return }
    connection.isDirty = true
    dirty.append(connection)
  }

  private func flush() {
    for connection in dirty {
      connection.isDirty = false
      write(connection)
    }
    dirty.removeAll(keepingCapacity: true)
  }

  private func write(_ connection: LoadConnection) {
    guard connection.phase != .closed else { return }
    while connection.written < connection.outgoing.count {
      let count = unsafe connection.outgoing.withUnsafeBytes { bytes in
        unsafe Glibc.send(
          connection.descriptor, bytes.baseAddress?.advanced(by: connection.written), bytes.count - connection.written,
          Int32(MSG_NOSIGNAL))
      }
      if count < 0 {
        guard errno == EAGAIN || errno == EINTR || errno == ENOTCONN else { return end(connection, Self.word(errno)) }
        return setWriting(connection, true)
      }
      connection.written += count
    }
    connection.outgoing.removeAll(keepingCapacity: connection.outgoing.count <= 4_096)
    connection.written = 0
    setWriting(connection, false)
  }

  private func setWriting(_ connection: LoadConnection, _ isWanted: Bool) {
    guard connection.interest.writing != isWanted else { return }
    connection.interest.writing = isWanted
    poller.change(connection.descriptor, token: connection.token, to: connection.interest)
  }

  private static func word(_ error: Int32) -> String {
    switch error {
    case ECONNREFUSED: "refused"
    case ECONNRESET, EPIPE: "reset"
    case ETIMEDOUT: "timed_out"
    default: "errno_\(error)"
    }
  }

  // MARK: - In

  private func read(_ connection: LoadConnection) {
    guard connection.phase != .closed else { return }
    // Out of the loop's hands while it is looked at: a client that is told something may use the loop.
    var bytes: [UInt8] = []
    swap(&bytes, &buffer)
    defer { swap(&bytes, &buffer) }
    let held = connection.partial.count
    if held > bytes.count / 2 { bytes += repeatElement(0, count: bytes.count) }
    if held > 0 { bytes.replaceSubrange(..<held, with: connection.partial) }
    let count = unsafe bytes.withUnsafeMutableBytes { space in
      unsafe recv(connection.descriptor, space.baseAddress?.advanced(by: held), space.count - held, 0)
    }
    guard count > 0 else {
      if count < 0, errno == EAGAIN || errno == EINTR { return }
      return end(connection, count == 0 ? "closed" : Self.word(errno))
    }
    let used = held + count
    let taken = consume(bytes.span.extracting(..<used), connection, NanosecondClock.now)
    guard connection.phase != .closed else { return }
    if taken < used || held > 0 { connection.partial = Array(bytes[taken..<used]) }
  }

  /// Tells the client of everything that is whole.
  ///
  /// - Returns: how many bytes that was.
  private func consume(_ bytes: Span<UInt8>, _ connection: LoadConnection, _ now: Int64) -> Int {
    var offset = 0
    do throws(Breach) {
      while connection.phase != .closed {
        let next: Int?
        if connection.phase == .opening {
          next = try takeHandshake(bytes, offset, connection, now)
        } else if connection.kind == .http {
          next = try takeReply(bytes, offset, connection, now)
        } else {
          next = try takeFrame(bytes, offset, connection, now)
        }
        guard let next else { return offset }
        offset = next
      }
    } catch {
      breaches.add(error)
      end(connection, error.kind.rawValue)
    }
    return offset
  }

  private func takeHandshake(
    _ bytes: Span<UInt8>, _ offset: Int, _ connection: LoadConnection, _ now: Int64
  ) throws(Breach) -> Int? {
    guard let head = try HTTPReplyHead.next(in: bytes, from: offset) else { return nil }
    guard head.status == 101 else {
      end(connection, "http_\(head.status)")
      return nil
    }
    connection.phase = .open
    connection.client.opened(connection, at: now)
    return head.end
  }

  private func takeReply(
    _ bytes: Span<UInt8>, _ offset: Int, _ connection: LoadConnection, _ now: Int64
  ) throws(Breach) -> Int? {
    guard let head = try HTTPReplyHead.next(in: bytes, from: offset) else { return nil }
    let end = head.end + head.contentLength
    guard bytes.count >= end else { return nil }
    connection.client.replied(head.status, bytes.extracting(head.end..<end), on: connection, at: now)
    if head.isLast { self.end(connection, "closed") }
    return end
  }

  private func takeFrame(
    _ bytes: Span<UInt8>, _ offset: Int, _ connection: LoadConnection, _ now: Int64
  ) throws(Breach) -> Int? {
    guard let frame = try ServerFrame.next(in: bytes, from: offset) else { return nil }
    let payload = bytes.extracting(frame.payload)
    switch frame.opcode {
    case .text: connection.client.received(payload, on: connection, at: now)
    case .ping: send(.pong, frame: Self.copy(payload), on: connection)
    case .pong: break
    case .close:
      let code = payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : 1_005
      end(connection, "close_\(code)")
    }
    return frame.payload.upperBound
  }

  private static func copy(_ bytes: Span<UInt8>) -> [UInt8] { bytes.indices.map { bytes[$0] } }
}
