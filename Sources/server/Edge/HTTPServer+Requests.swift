import ChatRooms
import Drivers
import Glibc

/// What becomes of a request, as the daemon's thread goes through it.
extension HTTPServer {
  func connected(_ connection: HTTPConnection) {
    metrics.httpConnections.add(1)
    deadlines.set(connection.descriptor, MonotonicClock.now + configuration.requestTime)
  }

  func disconnected(_ connection: HTTPConnection) {
    deadlines.clear(connection.descriptor)
    metrics.httpConnections.add(-1)
    forget(connection)
  }

  func requestBegan(_ target: [UInt8], on connection: HTTPConnection) {
    forget(connection)
    connection.exchange = HTTPExchange(target: target)
    exchanges.add(1)
    deadlines.set(connection.descriptor, MonotonicClock.now + configuration.requestTime)
  }

  func requestEnded(on connection: HTTPConnection) {
    forget(connection)
    // The next request may take its time to begin, and libmicrohttpd's own timeout ends a silent connection.
    let patience = configuration.requestTime + Int64(configuration.idleSeconds) * 1_000
    deadlines.set(connection.descriptor, MonotonicClock.now + patience)
  }

  /// A request is over, however it ended.
  private func forget(_ connection: HTTPConnection) {
    guard let exchange = connection.exchange else { return }
    connection.exchange = nil
    exchanges.add(-1)
    if let upgrade = exchange.upgrade { acceptor.abandon(upgrade, isReserved: true) }
    if case .answered(.webSocket(let upgrade)) = exchange.stage { acceptor.abandon(upgrade, isReserved: true) }
  }

  /// Called again and again for a request: with its headers, with pieces of its body, at its end, and once it has been
  /// resumed. Returns false to end the connection.
  func advance(
    _ state: HTTPConnection, _ connection: DaemonConnection, method: String, body: UnsafeRawBufferPointer
  ) -> Bool {
    guard let exchange = state.exchange else { return false }
    switch exchange.stage {
    case .collecting where !exchange.hasStarted: return begin(exchange, connection, method)
    case .collecting where unsafe !body.isEmpty: return unsafe exchange.append(body)
    case .collecting:
      deadlines.clear(state.descriptor)
      return dispatch(exchange, connection)
    case .begun(let begun): return goOn(exchange, begun, connection)
    case .answered(let reply): return queue(reply, exchange, connection)
    case .suspended, .queued: return true
    }
  }

  private func begin(_ exchange: HTTPExchange, _ connection: DaemonConnection, _ method: String) -> Bool {
    exchange.hasStarted = true
    exchange.method = method
    let headers = connection.headers
    exchange.requestID = RequestID.choose(headers["x-request-id"])
    exchange.request = HTTPRequest(
      method: method == "HEAD" ? "GET" : method, path: [], query: [], headers: headers, body: [],
      id: exchange.requestID, remoteAddress: connection.peer)
    guard let refusal = HTTPExchange.refusal(of: headers) else { return true }
    return queue(errorResponse(refusal, requestID: exchange.requestID), exchange, connection)
  }

  /// Everything has come: asks the route.
  private func dispatch(_ exchange: HTTPExchange, _ connection: DaemonConnection) -> Bool {
    do throws(ChatError) {
      let request = try complete(exchange)
      if let reply = try immediateReply(to: request) { return queue(reply, exchange, connection) }
      suspend(exchange, request, connection)
      return true
    } catch {
      return queue(errorResponse(error, requestID: exchange.requestID), exchange, connection)
    }
  }

  private func complete(_ exchange: HTTPExchange) throws(ChatError) -> HTTPRequest {
    guard !exchange.isTooLarge else { throw HTTPExchange.bodyTooLarge }
    guard var request = exchange.request else { throw ChatError(400, "invalid_request", "The request is broken.") }
    let target = try RequestTarget(exchange.target)
    request.path = target.path
    request.query = target.query.map { ($0.name, $0.value) }
    request.body = exchange.body
    exchange.body = []
    exchange.request = request
    return request
  }

  private func suspend(_ exchange: HTTPExchange, _ request: HTTPRequest, _ connection: DaemonConnection) {
    let begun = begin(request)
    guard suspend(exchange, connection) else { return }
    guard let begun else { return carryOut(exchange, request, nil) }
    begun.whenReady { [self] in _ = suspended.resume(exchange, at: .begun(begun)) }
  }

  /// Makes the reply on the daemon's thread, where that takes little time.
  private func goOn(_ exchange: HTTPExchange, _ begun: BegunReply, _ connection: DaemonConnection) -> Bool {
    if let reply = begun.replyAtOnce() { return queue(reply, exchange, connection) }
    guard let request = exchange.request else { return false }
    if suspend(exchange, connection) { carryOut(exchange, request, begun) }
    return true
  }

  /// Returns false, with an answer on its way, at the end of the server.
  private func suspend(_ exchange: HTTPExchange, _ connection: DaemonConnection) -> Bool {
    exchange.stage = .suspended
    connection.suspend()
    if suspended.add(exchange, connection) { return true }
    exchange.stage = .answered(away(exchange))
    connection.resume()
    return false
  }

  private func carryOut(_ exchange: HTTPExchange, _ request: HTTPRequest, _ begun: BegunReply?) {
    let isTaken = pool.submit { [self] in
      let reply = await reply(to: request, begun)
      if !suspended.answer(exchange, with: reply), case .webSocket(let upgrade) = reply {
        acceptor.abandon(upgrade, isReserved: true)
      }
    }
    if !isTaken { turnAway(exchange) }
  }

  /// Answers a request that no handler will.
  func turnAway(_ exchange: HTTPExchange) { _ = suspended.answer(exchange, with: away(exchange)) }

  private func away(_ exchange: HTTPExchange) -> HTTPReply {
    let error = ChatError.unavailable("The server", retryAfter: 1_000)
    return .response(errorResponse(error, requestID: exchange.requestID))
  }

  // MARK: - Replies

  private func queue(_ reply: HTTPReply, _ exchange: HTTPExchange, _ connection: DaemonConnection) -> Bool {
    switch reply {
    case .response(let response): return queue(response, exchange, connection)
    case .webSocket(let upgrade): return queue(upgrade, exchange, connection)
    }
  }

  private func queue(_ response: HTTPResponse, _ exchange: HTTPExchange, _ connection: DaemonConnection) -> Bool {
    exchange.stage = .queued
    replied(response.status, exchange)
    let origin = exchange.request.map(configuration.origins.headers) ?? []
    return connection.queue(
      status: response.status, headers: response.headers + origin + [("X-Request-Id", exchange.requestID)],
      body: response.body)
  }

  private func queue(_ upgrade: WebSocketUpgrade, _ exchange: HTTPExchange, _ connection: DaemonConnection) -> Bool {
    exchange.stage = .queued
    exchange.upgrade = upgrade
    guard let request = exchange.request, let handshake = try? WebSocketHandshake(request) else { return false }
    var headers = [
      ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", handshake.accept), ("X-Request-Id", exchange.requestID),
    ]
    if let subprotocol = upgrade.subprotocol { headers.append(("Sec-WebSocket-Protocol", subprotocol)) }
    replied(101, exchange)
    return connection.queueUpgrade(headers)
  }

  /// libmicrohttpd would keep a connection's memory for as long as the socket is open: the loops get a descriptor of
  /// their own, and libmicrohttpd lets go of everything at once.
  func takeOver(_ connection: HTTPConnection, _ socket: Int32, _ input: [UInt8]) {
    guard let exchange = connection.exchange, let upgrade = exchange.upgrade else { return }
    exchange.upgrade = nil
    let descriptor = fcntl(socket, F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0 else { return acceptor.abandon(upgrade, isReserved: true) }
    acceptor.adopt(descriptor: descriptor, upgrade, input: input)
  }
}
