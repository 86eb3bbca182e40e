import ChatRooms

/// What happens when nothing happens.
extension SocketReactor {
  func reschedule(_ connection: Connection) {
    connection.scheduledTick = wheel.schedule(connection.token, at: connection.nextDeadline(times))
  }

  func fireTimers() {
    for (token, tick) in wheel.advance(to: now) {
      guard let connection = connection(token), connection.scheduledTick == tick else { continue }
      fire(connection)
      if connection.phase != .closed { reschedule(connection) }
    }
  }

  private func fire(_ connection: Connection) {
    if connection.phase == .closing {
      if connection.closeDeadline <= now { destroy(connection) }
      return
    }
    if let end = connection.expiresAt, end <= now { return beginClosing(connection, .tokenExpired, "token expired") }
    if let end = connection.pausedUntil, end <= now {
      connection.pausedUntil = nil
      resume(connection)
    }
    if now - connection.heardAt >= times.silence, !connection.isPaused {
      metrics.timedOut.add()
      return destroy(connection)
    }
    if now - connection.pingedAt >= times.pingInterval { ping(connection) }
  }

  private func ping(_ connection: Connection) {
    connection.pingedAt = now
    services.rooms.noteConnection(of: connection.user)
    enqueue(Self.pingFrame, connection)
  }

  private static let pingFrame = WebSocketFrame(.ping, payload: [])
}
