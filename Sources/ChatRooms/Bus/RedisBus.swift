import Drivers
import Foundation

/// Servers of one installation talk over a channel of Redis'. Redis forgets who was not listening: after each
/// (re)subscription whoever follows something must look at the source (`onSubscribed`).
public final class RedisBus: Bus, @unchecked Sendable {
  /// Bytes of events that go into one publish, so that one long message does not hold up the others for long.
  private static let chunkSize = 256 << 10

  private let client: RedisClient
  private let subscriber: RedisSubscriber
  private let channel: String
  private let sender: UInt64
  private let receivers: Receivers
  private let audience: BusAudience
  private let published: Counter
  private let dropped: Counter

  /// - Parameters:
  ///   - client: publishes; whoever made it starts and closes it.
  ///   - prefix: of the installation: Redis' channels know no database numbers.
  ///   - sender: this server's number, random.
  public init(
    _ url: RedisURL, client: RedisClient, prefix: String, sender: UInt64 = .random(in: .min ... .max),
    log: Log = .silent, metrics: Metrics = Metrics()
  ) {
    self.client = client
    self.sender = sender
    channel = "\(prefix):bus"
    audience = BusAudience(client: client, channel: channel)
    published = metrics.counter("palaver_bus_published_total", "Messages told to other servers.")
    dropped = metrics.counter("palaver_bus_dropped_total", "Messages that could not be told to other servers.")
    let receivers = Receivers(
      received: metrics.counter("palaver_bus_received_total", "Messages heard from other servers."),
      malformed: metrics.counter("palaver_bus_malformed_total", "Messages that could not be understood."))
    self.receivers = receivers
    subscriber = RedisSubscriber(url, channels: [channel], log: log) { [receivers] _, payload in
      receivers.take(payload, ownSender: sender)
    }
    let subscriber = subscriber
    metrics.gauge("palaver_bus_listening", "1 while other servers are heard.") { subscriber.isListening ? 1 : 0 }
  }

  public func start() { subscriber.start() }

  /// Blocks for a moment: not for Swift's cooperative threads.
  public func close() { subscriber.close() }

  /// Other servers are heard at the moment.
  public var isListening: Bool { subscriber.isListening }
  /// No other server listens at the moment, or did a moment ago. False where that is not known; never waits.
  public var isAlone: Bool { isListening && audience.isAlone() }
  public var health: RedisHealth { subscriber.health }

  public func onMessage(_ handler: @escaping @Sendable (BusMessage) -> Void) { receivers.add(handler) }

  /// - Parameter handler: called on the bus's thread each time it begins to hear, the first time too: what was said
  ///   before may have been missed. Add it before `start()`.
  public func onSubscribed(_ handler: @escaping @Sendable () -> Void) { subscriber.onSubscribed(handler) }

  public func publish(_ message: BusMessage) {
    guard case .events(let events) = message else { return send(message) }
    var chunk: [RoomEvent] = []
    var size = 0
    for event in events {
      chunk.append(event)
      size += RoomEventCodec.estimatedSize(of: event)
      if size >= Self.chunkSize {
        send(.events(chunk))
        chunk.removeAll(keepingCapacity: true)
        size = 0
      }
    }
    if !chunk.isEmpty { send(.events(chunk)) }
  }

  private func send(_ message: BusMessage) {
    let wasSent = client.send(["PUBLISH", .text(channel), .bytes(BusCodec.encode(message, sender: sender))])
    (wasSent ? published : dropped).add()
  }

  /// Who hears what other servers say.
  private final class Receivers: @unchecked Sendable {
    private let lock = NSLock()
    private var handlers: [@Sendable (BusMessage) -> Void] = []
    private let received: Counter
    private let malformed: Counter

    init(received: Counter, malformed: Counter) {
      self.received = received
      self.malformed = malformed
    }

    func add(_ handler: @escaping @Sendable (BusMessage) -> Void) { lock.withLock { handlers.append(handler) } }

    func take(_ payload: [UInt8], ownSender: UInt64) {
      if BusCodec.sender(of: payload) == ownSender { return }
      guard let (message, _) = BusCodec.decode(payload) else { return malformed.add() }
      received.add()
      for handler in lock.withLock({ handlers }) { handler(message) }
    }
  }
}
