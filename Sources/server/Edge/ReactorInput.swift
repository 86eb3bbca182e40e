import CLinux
import ChatRooms
import Drivers
import Glibc
import HistoryIndex

/// What clients send.
extension SocketReactor {
  func read(_ connection: Connection) {
    guard connection.phase != .closed, !connection.isPaused, !connection.isHeld else { return }
    let count = unsafe readBuffer.withUnsafeMutableBytes {
      unsafe recv(connection.descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
    }
    guard count != 0 else { return vanish(connection) }
    guard count > 0 else {
      if errno != EAGAIN, errno != EINTR { vanish(connection) }
      return
    }
    metrics.bytesIn.add(count)
    connection.heardAt = now
    process(connection, readBuffer[..<count])
  }

  /// Takes frames until the input is used up, until the client has to wait, or until it has had its part of the turn.
  func process(_ connection: Connection, _ input: ArraySlice<UInt8>) {
    var offset = input.startIndex
    var count = 0
    do {
      while connection.phase != .closed {
        if count == Self.readFrames, offset < input.endIndex { hold(connection) }
        if connection.isPaused || connection.isHeld {
          connection.pendingInput = Array(input[offset...])
          break
        }
        guard let frame = try connection.decoder.next(in: input, from: &offset) else { break }
        metrics.framesIn.add()
        count += 1
        handle(frame, connection)
      }
    } catch {
      beginClosing(connection, error.code, error.reason)
    }
    updateInterest(connection)
  }

  private func handle(_ frame: IncomingFrame, _ connection: Connection) {
    if case .close(let code) = frame { return peerClosed(connection, code) }
    guard connection.phase == .open else { return }
    switch frame {
    case .text(let text):
      perform(connection.session.receive(text, at: now), connection)
      connection.isSaturated = connection.session.isSaturated
    case .ping(let payload): enqueue(WebSocketFrame(.pong, payload: payload), connection)
    case .pong, .close: break
    }
  }

  private func peerClosed(_ connection: Connection, _ code: UInt16?) {
    connection.peerClosed = true
    if connection.phase == .open { beginClosing(connection, .normal, "") } else { finishClosing(connection) }
  }

  private func hold(_ connection: Connection) {
    connection.isHeld = true
    held.append(connection)
  }

  /// Goes on with those of whom the turn before has taken a part.
  func resumeHeld() {
    guard !held.isEmpty else { return }
    let connections = held
    held.removeAll(keepingCapacity: true)
    for connection in connections {
      connection.isHeld = false
      if connection.phase != .closed, !connection.isPaused { processPending(connection) }
    }
  }

  /// Goes on with a client that had to wait.
  func resume(_ connection: Connection) {
    guard connection.phase == .open, !connection.isPaused, !connection.isHeld else { return }
    // The silence was ours.
    connection.heardAt = now
    processPending(connection)
  }

  private func processPending(_ connection: Connection) {
    var input: [UInt8] = []
    swap(&input, &connection.pendingInput)
    process(connection, input[...])
  }

  func updateInterest(_ connection: Connection) {
    guard connection.phase != .closed else { return }
    let isReading = !connection.isPaused && !connection.peerClosed
    setInterest(Poller.Interest(reading: isReading, writing: connection.interest.writing), connection)
  }

  func setInterest(_ interest: Poller.Interest, _ connection: Connection) {
    guard interest != connection.interest else { return }
    connection.interest = interest
    poller.change(connection.descriptor, token: connection.token, to: interest)
  }
}
