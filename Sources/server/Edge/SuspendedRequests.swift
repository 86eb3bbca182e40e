import Foundation

/// The requests whose handlers are at work. Whoever takes one out answers it: its handler, or the end of the server,
/// since libmicrohttpd aborts the process where it is stopped with a suspended connection.
final class SuspendedRequests: @unchecked Sendable {
  private let lock = NSLock()
  private var connections: [ObjectIdentifier: (exchange: HTTPExchange, connection: DaemonConnection)] = [:]

  private var isClosed = false

  /// Returns false after `close`: whoever has suspended the connection goes on with it.
  func add(_ exchange: HTTPExchange, _ connection: DaemonConnection) -> Bool {
    lock.withLock {
      if !isClosed { connections[ObjectIdentifier(exchange)] = (exchange, connection) }
      return !isClosed
    }
  }

  /// Goes on with a request. Returns false if somebody else has.
  func answer(_ exchange: HTTPExchange, with reply: HTTPReply) -> Bool { resume(exchange, at: .answered(reply)) }

  /// As `answer`, with the stage at which the request goes on.
  func resume(_ exchange: HTTPExchange, at stage: HTTPExchange.Stage) -> Bool {
    lock.withLock {
      guard let taken = connections.removeValue(forKey: ObjectIdentifier(exchange)) else { return false }
      exchange.stage = stage
      // Under the lock: what was taken out before the end is resumed before it.
      taken.connection.resume()
      return true
    }
  }

  /// Takes no more. Returns those that are there.
  func close() -> [HTTPExchange] {
    lock.withLock {
      isClosed = true
      return connections.values.map(\.exchange)
    }
  }
}
