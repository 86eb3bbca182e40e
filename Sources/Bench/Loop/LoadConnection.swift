import Drivers

/// A connection to the server under load, owned by the loop.
final class LoadConnection {
  enum Kind { case webSocket, http }

  enum Phase: Equatable {
    /// Its handshake is not answered yet.
    case opening
    case open
    case closed
  }

  let kind: Kind
  let descriptor: Int32
  let token: UInt64
  /// Whose it is.
  let client: any LoadClient
  /// Which of the client's it is.
  let number: Int
  var phase: Phase
  /// What is to be written, and how much of it is.
  var outgoing: [UInt8] = []
  var written = 0
  /// The beginning of a frame or reply that is not whole.
  var partial: [UInt8] = []
  var interest = Poller.Interest(reading: true, writing: false)
  /// Waits to be written in this turn.
  var isDirty = false

  init(kind: Kind, descriptor: Int32, token: UInt64, client: any LoadClient, number: Int) {
    self.kind = kind
    self.descriptor = descriptor
    self.token = token
    self.client = client
    self.number = number
    phase = kind == .http ? .open : .opening
  }
}

/// Somebody who has connections on a loop and is told what comes in on them. Times are nanoseconds of the loop's clock.
protocol LoadClient: AnyObject {
  /// Does what is due, and says when there is something again; `Int64.max`: only after something came in.
  func perform(at now: Int64) -> Int64
  /// A WebSocket's handshake is done.
  func opened(_ connection: LoadConnection, at now: Int64)
  /// A text frame.
  func received(_ payload: Span<UInt8>, on connection: LoadConnection, at now: Int64)
  func replied(_ status: Int, _ body: Span<UInt8>, on connection: LoadConnection, at now: Int64)
  /// The connection is gone, and not by the client's own wish.
  /// - Parameter reason: one word, such as `reset`, `http_503` or `close_4008`.
  func ended(_ connection: LoadConnection, _ reason: String, at now: Int64)
}

extension LoadClient {
  func perform(at now: Int64) -> Int64 { .max }
  func opened(_ connection: LoadConnection, at now: Int64) {}
  func received(_ payload: Span<UInt8>, on connection: LoadConnection, at now: Int64) {}
  func replied(_ status: Int, _ body: Span<UInt8>, on connection: LoadConnection, at now: Int64) {}
}
