import Foundation

/// A connection to Redis that listens to channels. It reconnects and subscribes again by itself; what is published
/// meanwhile is lost, hence `onSubscribed`.
public final class RedisSubscriber: @unchecked Sendable {
  /// On the subscriber's thread; must not wait.
  public typealias Handler = @Sendable (_ channel: String, _ payload: [UInt8]) -> Void

  /// Milliseconds of silence after which the connection is tried.
  static let idleLimit: Int64 = 2_000
  /// Milliseconds of silence after which it is given up.
  static let stallLimit: Int64 = 6_000

  private let session: RedisSession
  private let channels: [String]
  private let handler: Handler
  private let lock = NSLock()
  private var isSubscribed = false
  private var subscribedHandlers: [@Sendable () -> Void] = []

  /// - Parameter channels: names, at least one.
  public init(_ url: RedisURL, channels: [String], log: Log = .silent, handler: @escaping Handler) {
    session = RedisSession(url, log: log)
    self.channels = channels
    self.handler = handler
  }

  public var health: RedisHealth { session.health }

  /// All channels are confirmed: from here on nothing is missed until the connection breaks.
  public var isListening: Bool { lock.withLock { isSubscribed } }

  /// - Parameter handler: called on the subscriber's thread each time Redis has confirmed all channels, the first time
  ///   too: what was published before may have been missed. Add it before `start()`.
  public func onSubscribed(_ handler: @escaping @Sendable () -> Void) {
    lock.withLock { subscribedHandlers.append(handler) }
  }

  public func start() {
    session.start(
      name: "redis-sub", serve: { [self] connection throws(RedisError) in try serve(connection) },
      down: { [self] _ in lock.withLock { isSubscribed = false } })
  }

  /// Blocks for a moment: not for Swift's cooperative threads.
  public func close() { session.close() }

  private func serve(_ connection: RedisConnection) throws(RedisError) {
    var unsent: [UInt8] = []
    RedisCommandEncoder.append(["SUBSCRIBE"] + channels.map(RedisArgument.text), to: &unsent)
    var confirmed: Set<String> = []
    var lastHeard = MonotonicClock.now
    var lastAsked = lastHeard
    while !session.isClosed {
      if !unsent.isEmpty { unsent.removeFirst(try connection.send(unsent[...])) }
      if session.wait(for: connection, toSend: !unsent.isEmpty, timeout: 500) {
        try connection.receive()
        lastHeard = MonotonicClock.now
        while let reply = try connection.nextReply() { take(reply, &confirmed) }
      }
      let now = MonotonicClock.now
      if now - lastHeard >= Self.stallLimit { throw .unavailable("silent for \(Self.stallLimit) ms") }
      if now - max(lastHeard, lastAsked) >= Self.idleLimit {
        lastAsked = now
        RedisCommandEncoder.append(["PING"], to: &unsent)
      }
    }
  }

  /// `["message", channel, payload]`, `["subscribe", channel, count]`, `["pong", ""]`; anything else is passed over.
  private func take(_ reply: RedisReply, _ confirmed: inout Set<String>) {
    guard case .array(let parts) = reply, parts.count == 3, let channel = parts[1].text else { return }
    switch parts[0].text {
    case "message": if let payload = parts[2].bytes { handler(channel, payload) }
    case "subscribe":
      confirmed.insert(channel)
      if confirmed.count == channels.count { noteSubscribed() }
    default: break
    }
  }

  private func noteSubscribed() {
    let handlers = lock.withLock {
      isSubscribed = true
      return subscribedHandlers
    }
    for handler in handlers { handler() }
  }
}
