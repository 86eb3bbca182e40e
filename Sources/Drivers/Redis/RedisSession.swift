import CLinux
import Foundation

/// Whether Redis can be reached, for `/readyz` and metrics.
public struct RedisHealth: Sendable, Equatable {
  public var isConnected: Bool
  /// Why not, in words for an operator; `nil` while connected, and before the first attempt has ended.
  public var problem: String?
  /// Connections made so far.
  public var connections: Int

  init() {
    isConnected = false
    problem = nil
    connections = 0
  }
}

/// Keeps one connection to Redis, on a thread of its own: connects, lets `serve` work with it until it breaks, waits a
/// little and connects again.
final class RedisSession: @unchecked Sendable {
  /// Milliseconds for connecting and greeting.
  static let connectTimeout = 1_000

  let url: RedisURL
  private let log: Log
  private let wakeup: RedisWakeup
  private let lock = NSLock()
  private var currentHealth = RedisHealth()
  private var isClosing = false
  private var thread: WorkerThread?

  init(_ url: RedisURL, log: Log) {
    self.url = url
    self.log = log
    wakeup = RedisWakeup()
  }

  var health: RedisHealth { lock.withLock { currentHealth } }
  var isClosed: Bool { lock.withLock { isClosing } }

  /// - Parameters:
  ///   - name: the thread's.
  ///   - serve: returns when the session was closed, throws when the connection is of no use any more.
  ///   - down: called after each attempt and each connection that ended, before the next.
  func start(
    name: String, serve: @escaping @Sendable (RedisConnection) throws(RedisError) -> Void,
    down: @escaping @Sendable (RedisError) -> Void
  ) {
    let thread = WorkerThread(name: name) { [self] in run(serve: serve, down: down) }
    lock.withLock { self.thread = thread }
  }

  /// Ends the thread and waits for it. Not to be called from Swift's cooperative threads.
  func close() {
    let thread = lock.withLock {
      isClosing = true
      defer { self.thread = nil }
      return self.thread
    }
    wakeup.signal()
    thread?.join()
  }

  /// Ends a `wait`, from any thread.
  func wake() { wakeup.signal() }

  /// Waits until the connection has bytes to read, takes bytes again (if asked for), somebody called `wake`, or
  /// milliseconds have passed. Returns whether there is something to read.
  func wait(for connection: RedisConnection, toSend: Bool, timeout: Int) -> Bool {
    wakeup.wait(descriptor: connection.descriptor, toSend: toSend, timeout: timeout)
  }

  private func run(
    serve: @Sendable (RedisConnection) throws(RedisError) -> Void, down: @Sendable (RedisError) -> Void
  ) {
    var delay = ReconnectDelay()
    while !isClosed {
      var failure = RedisError.unavailable("closed")
      do throws(RedisError) {
        let connection = try RedisConnection(url, timeout: Self.connectTimeout)
        delay.reset()
        noteConnected()
        try serve(connection)
      } catch {
        failure = error
        noteFailure(error)
      }
      down(failure)
      if !isClosed { _ = wakeup.wait(descriptor: nil, toSend: false, timeout: delay.next()) }
    }
  }

  private func noteConnected() {
    let health = lock.withLock {
      currentHealth.isConnected = true
      currentHealth.problem = nil
      currentHealth.connections += 1
      return currentHealth
    }
    log.info("connected to Redis", ["url": url.description, "connections": "\(health.connections)"])
  }

  /// Logs the first failure in a row only.
  private func noteFailure(_ error: RedisError) {
    let isNews = lock.withLock {
      defer {
        currentHealth.isConnected = false
        currentHealth.problem = error.description
      }
      return currentHealth.problem == nil
    }
    if isNews { log.warning("Redis cannot be reached", ["url": url.description, "error": error.description]) }
  }
}

/// How long to wait before connecting again: from 20 ms up to a second, doubling, with jitter, so that servers do not
/// come back all at once.
struct ReconnectDelay {
  static let shortest = 20
  static let longest = 1_000
  private var limit = shortest

  mutating func next() -> Int {
    defer { limit = min(limit * 2, Self.longest) }
    return Int.random(in: limit / 2...limit)
  }

  mutating func reset() { limit = Self.shortest }
}

/// An `eventfd` that ends a `poll` of one thread from others.
final class RedisWakeup: Sendable {
  private let event: Int32

  init() { event = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC)) }

  deinit { close(event) }

  func signal() {
    var one: UInt64 = 1
    _ = unsafe write(event, &one, MemoryLayout<UInt64>.size)
  }

  /// Returns whether the descriptor has something to read, or failed.
  func wait(descriptor: Int32?, toSend: Bool, timeout: Int) -> Bool {
    let interest = Int16(POLLIN) | (toSend ? Int16(POLLOUT) : 0)
    // A negative descriptor is passed over.
    var watched = [
      pollfd(fd: descriptor ?? -1, events: interest, revents: 0), pollfd(fd: event, events: Int16(POLLIN), revents: 0),
    ]
    let limit = Int32(clamping: max(0, timeout))
    guard unsafe poll(&watched, nfds_t(watched.count), limit) > 0 else { return false }
    if watched[1].revents != 0 {
      var count: UInt64 = 0
      _ = unsafe read(event, &count, MemoryLayout<UInt64>.size)
    }
    return watched[0].revents & ~Int16(POLLOUT) != 0
  }
}
