import CLinux
import ChatRooms
import Drivers
import Glibc

/// Writing and closing.
extension SocketReactor {
  /// Queues a frame; it is written at the end of the turn.
  func enqueue(_ frame: WebSocketFrame, _ connection: Connection) {
    guard connection.phase == .open else { return }
    append(frame, connection)
    if connection.outbound.byteCount > limits.queue + connection.replayBytes { overflowed.append(connection) }
  }

  func replay(_ frames: [WebSocketFrame], _ connection: Connection) {
    for frame in frames {
      connection.replayBytes += frame.bytes.count
      append(frame, connection)
    }
  }

  private func append(_ frame: WebSocketFrame, _ connection: Connection) {
    connection.outbound.append(frame)
    queuedBytes += frame.bytes.count
    queuedFrames += frame.count
    // A socket that is full says so when it no longer is.
    guard !connection.isDirty, !connection.interest.writing else { return }
    connection.isDirty = true
    dirty.append(connection)
  }

  /// Ends clients whose queue is full. Not while a room's subscribers are gone through: ending one changes them.
  func cutOverflowed() {
    guard !overflowed.isEmpty else { return }
    let connections = overflowed
    overflowed.removeAll()
    for connection in connections where connection.phase == .open {
      metrics.overflows.add()
      connection.outbound.dropUnsent()
      beginClosing(connection, .tooSlow, "resume with since")
    }
  }

  func flushDirty() {
    cutOverflowed()
    guard !dirty.isEmpty else { return }
    queuedBytes = 0
    metrics.framesOut.add(queuedFrames)
    queuedFrames = 0
    var flushing: [Connection] = []
    swap(&flushing, &dirty)
    for connection in flushing {
      connection.isDirty = false
      flush(connection)
    }
    metrics.bytesOut.add(writtenBytes)
    writtenBytes = 0
    if dirty.isEmpty {
      flushing.removeAll(keepingCapacity: true)
      swap(&flushing, &dirty)
    }
  }

  func writable(_ connection: Connection) {
    // Only a peer that reads makes room in a full socket: a sign of life.
    if !connection.outbound.isEmpty { connection.heardAt = now }
    flush(connection)
  }

  private func flush(_ connection: Connection) {
    guard connection.phase != .closed else { return }
    var isBroken = false
    let written = connection.outbound.flush(
      scratch: &gatherBuffer, gathering: Self.gatherSize, budget: Self.writeBudget
    ) { chunk in
      let count = Self.send(chunk, to: connection.descriptor)
      if count < 0, errno != EAGAIN, errno != EINTR { isBroken = true }
      return count
    }
    connection.replayBytes = max(0, connection.replayBytes - written)
    writtenBytes += written
    if isBroken { return vanish(connection) }
    setInterest(
      Poller.Interest(reading: connection.interest.reading, writing: !connection.outbound.isEmpty), connection)
    if connection.phase == .closing, connection.outbound.isEmpty { finishClosing(connection) }
  }

  private static func send(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Int {
    unsafe bytes.withUnsafeBytes {
      unsafe CLinux.send(
        descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    }
  }

  // MARK: - Closing (RFC 6455, section 7)

  func beginClosing(_ connection: Connection, _ code: CloseCode, _ reason: String) {
    guard connection.phase == .open else { return }
    leaveAllRooms(connection)
    metrics.closed(code)
    var payload = [UInt8(truncatingIfNeeded: code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue)]
    payload.append(contentsOf: reason.utf8.prefix(FrameDecoder.maximumControl - 2))
    append(WebSocketFrame(.close, payload: payload), connection)
    connection.phase = .closing
    connection.pendingInput = []
    connection.closeDeadline = now + times.closing
    updateInterest(connection)
    reschedule(connection)
  }

  /// The connection ends when both sides have said so. If it is the client's turn, it learns of ours by the end of the
  /// stream; what it still sends is read and dropped, since closing with unread input would reset the connection and
  /// could take the close frame with it.
  func finishClosing(_ connection: Connection) {
    guard connection.outbound.isEmpty else { return }
    if connection.peerClosed { return destroy(connection) }
    shutdown(connection.descriptor, Int32(SHUT_WR))
  }
}
