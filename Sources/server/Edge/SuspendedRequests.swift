import Foundation

/// The requests whose handlers are at work. Whoever takes one out answers it: its handler, or the end of the server,
/// since libmicrohttpd aborts the process where it is stopped with a suspended connection.
final class SuspendedRequests: @unchecked Sendable {
  private let lock = NSLock()
  private var connections: [ObjectIdentifier: (exchange: HTTPExchange, connection: DaemonConnection)] = [:]

  func add(_ exchange: HTTPExchange, _ connection: DaemonConnection) {
    lock.withLock { connections[ObjectIdentifier(exchange)] = (exchange, connection) }
  }

  /// Goes on with a request. Returns false if somebody else has.
  func answer(_ exchange: HTTPExchange, with reply: HTTPReply) -> Bool {
    guard let taken = lock.withLock({ connections.removeValue(forKey: ObjectIdentifier(exchange)) }) else {
      return false
    }
    exchange.stage = .answered(reply)
    taken.connection.resume()
    return true
  }

  var all: [HTTPExchange] { lock.withLock { connections.values.map(\.exchange) } }
}
