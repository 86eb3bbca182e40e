import CLinux
import ChatRooms
import Drivers
import Glibc

/// Writing and closing.
extension SocketReactor {
  /// Queues a frame; it is written at the end of the turn.
  func enqueue(_ frame: WebSocketFrame, _ connection: Connection) {
    guard connection.phase == .open else { return }
    append(frame, connection, .prompt)
    noteOverflow(connection)
  }

  /// Queues a frame for all of a room's subscribers: of a small room for this turn, of a large one as the line of
  /// large rooms moves on. Who speaks does not wait there: of the raw protocol, the echo is the acknowledgement.
  func broadcast(_ frame: WebSocketFrame, to subscribers: [RoomTable.Subscriber]) {
    let urgency: FlushList.Urgency = subscribers.count > Self.promptAudience ? .bulk : .prompt
    let silentSince = now - Self.speakerMemory
    for subscriber in subscribers where subscriber.connection.phase == .open {
      let connection = subscriber.connection
      append(frame, connection, connection.spokeAt > silentSince ? .prompt : urgency)
      noteOverflow(connection)
    }
  }

  func replay(_ frames: [WebSocketFrame], _ connection: Connection) {
    for frame in frames {
      connection.replayBytes += frame.bytes.count
      append(frame, connection, .prompt)
    }
  }

  private func append(_ frame: WebSocketFrame, _ connection: Connection, _ urgency: FlushList.Urgency) {
    connection.outbound.append(frame)
    output.frames += frame.count
    if urgency == .prompt { queuedBytes += frame.bytes.count }
    // A socket that is full says so when it no longer is.
    if !connection.interest.writing { unwritten.add(connection, urgency) }
  }

  private func isOverflowing(_ connection: Connection) -> Bool {
    connection.outbound.byteCount > limits.queue + connection.replayBytes
  }

  private func noteOverflow(_ connection: Connection) {
    if isOverflowing(connection) { overflowed.append(connection) }
  }

  /// Ends clients whose queue is full. Not while a room's subscribers are gone through: ending one changes them.
  func cutOverflowed() {
    guard !overflowed.isEmpty else { return }
    let connections = overflowed
    overflowed.removeAll()
    for connection in connections where connection.phase == .open {
      // What this loop had not come to yet says nothing of the client.
      flush(connection, budget: .max)
      guard connection.phase == .open, isOverflowing(connection) else { continue }
      metrics.overflows.add()
      connection.outbound.dropUnsent()
      beginClosing(connection, .tooSlow, "resume with since")
    }
  }

  /// Writes to everyone who is not to wait.
  func flushPrompt() {
    cutOverflowed()
    queuedBytes = 0
    let connections = unwritten.takePrompt()
    guard !connections.isEmpty else { return }
    for connection in connections { flush(connection) }
    unwritten.reuse(connections)
  }

  /// Writes to some of those who wait for a large room's broadcasts; to all where much has piled up for them, so that
  /// what comes in is never more than what goes out. In between others may have the processor: with a loop for each core,
  /// a large room would keep the journal's writers and the database waiting for a tick of the scheduler at every step.
  func flushBulk() {
    defer { if unwritten.hasBulk { sched_yield() } }
    var count = 0
    while count < Self.bulkSlice || unwritten.longestWait > Self.bulkBacklog {
      guard let connection = unwritten.nextBulk() else { return }
      flush(connection)
      count += 1
    }
  }

  func writable(_ connection: Connection) {
    // Only a peer that reads makes room in a full socket: a sign of life.
    if !connection.outbound.isEmpty { connection.heardAt = now }
    flush(connection)
  }

  private func flush(_ connection: Connection, budget: Int = SocketReactor.writeBudget) {
    guard connection.phase != .closed, !connection.outbound.isEmpty || connection.interest.writing else { return }
    var isBroken = false
    let gatherSize = connection.interest.writing ? Self.slowGatherSize : Self.gatherSize
    let written = connection.outbound.flush(scratch: &gatherBuffer, gathering: gatherSize, budget: budget) { chunk in
      output.writes += 1
      let count = Self.send(chunk, to: connection.descriptor)
      if count < 0, errno != EAGAIN, errno != EINTR { isBroken = true }
      return count
    }
    connection.replayBytes = max(0, connection.replayBytes - written)
    output.bytes += written
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
    append(WebSocketFrame(.close, payload: payload), connection, .prompt)
    connection.phase = .closing
    // The client's own close frame may be in what is held.
    if !connection.isHeld { connection.pendingInput = [] }
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
