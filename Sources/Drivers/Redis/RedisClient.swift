import Foundation

/// One connection to Redis for a whole server: what any thread asks for is gathered, written together and answered in
/// order. It reconnects by itself; while there is no connection every command fails at once.
///
/// Everything in Redis may be lost, so callers treat a failure as "not there". Close it when done.
public final class RedisClient: @unchecked Sendable {
  /// Called once: on the client's thread, where it must not wait, or on the caller's if there is no connection.
  public typealias Completion = @Sendable (Result<RedisReply, RedisError>) -> Void

  /// Milliseconds that a command may take unless it says otherwise.
  public static let defaultTimeout = 250
  /// Milliseconds without any reply after which the connection is given up.
  static let stallLimit: Int64 = 2_000
  /// Milliseconds of silence after which the connection is tried.
  static let idleLimit: Int64 = 5_000
  /// Bytes that may wait to be sent.
  public static let maximumBacklog = 16 << 20
  /// Bytes that the client's thread takes at a time.
  private static let sendWindow = 1 << 20

  private let session: RedisSession
  private let lock = NSLock()
  private var gathered: [UInt8] = []
  private var gatheredEntries: [RedisPipeline.Entry] = []
  private var isUp = false
  private var isWaiting = false
  private var hasAttempted = false
  private var downReason = "not connected yet"
  private var connectHandlers: [@Sendable () -> Void] = []
  private var startWaiters: [CheckedContinuation<Void, Never>] = []
  /// SHA-1 digests, as Redis gave them, of the scripts that were used.
  private var digests: [String: String] = [:]

  private let commands: Counter
  private let failures: Counter

  public init(_ url: RedisURL, log: Log = .silent, metrics: Metrics = Metrics()) {
    session = RedisSession(url, log: log)
    commands = metrics.counter("palaver_redis_commands_total", "Commands sent to Redis.")
    failures = metrics.counter(
      "palaver_redis_failures_total", "Commands that Redis did not answer in time, or refused.")
    let session = session
    metrics.gauge("palaver_redis_connected", "1 while there is a connection to Redis.") {
      session.health.isConnected ? 1 : 0
    }
  }

  public var health: RedisHealth { session.health }

  /// - Parameter handler: called after each connect, on the client's thread, before anybody else's commands; it must not
  ///   wait. Add it before `start()`.
  public func onConnect(_ handler: @escaping @Sendable () -> Void) { lock.withLock { connectHandlers.append(handler) } }

  public func start() {
    session.start(
      name: "redis", serve: { [self] connection throws(RedisError) in try serve(connection) },
      down: { [self] error in fail(error) })
  }

  /// Returns when the first attempt to connect has ended, however it did.
  public func firstAttempt() async {
    await withCheckedContinuation { continuation in
      let isOver = lock.withLock {
        if hasAttempted { return true }
        startWaiters.append(continuation)
        return false
      }
      if isOver { continuation.resume() }
    }
  }

  /// Ends the connection; whoever waits gets `unavailable`. Blocks for a moment: not for Swift's cooperative threads.
  public func close() { session.close() }

  // MARK: Commands

  /// - Parameter timeout: milliseconds.
  /// - Throws: `RedisError`; `refused` where Redis answered with an error.
  public func command(_ arguments: [RedisArgument], timeout: Int = defaultTimeout) async throws(RedisError)
    -> RedisReply
  {
    let result = await withCheckedContinuation { continuation in
      submit(arguments, timeout: timeout) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  /// Sends a command whose reply nobody wants. Returns false, and sends nothing, without a connection or room for it.
  @discardableResult
  public func send(_ arguments: [RedisArgument]) -> Bool { enqueue(arguments, timeout: 0, completion: nil) == nil }

  /// - Parameter timeout: milliseconds.
  public func submit(
    _ arguments: [RedisArgument], timeout: Int = defaultTimeout, completion: @escaping Completion
  ) {
    if let error = enqueue(arguments, timeout: timeout, completion: completion) { completion(.failure(error)) }
  }

  private func enqueue(_ arguments: [RedisArgument], timeout: Int, completion: Completion?) -> RedisError? {
    let now = MonotonicClock.now
    lock.lock()
    guard isUp else {
      defer { lock.unlock() }
      return .unavailable(downReason)
    }
    guard gathered.count < Self.maximumBacklog else {
      lock.unlock()
      failures.add()
      return .overloaded
    }
    RedisCommandEncoder.append(arguments, to: &gathered)
    gatheredEntries.append(.init(completion: completion, sentAt: now, deadline: now + Int64(timeout)))
    let mustWake = isWaiting
    isWaiting = false
    lock.unlock()
    if mustWake { session.wake() }
    commands.add()
    return nil
  }

  // MARK: Scripts

  /// Runs a Lua script, which Redis knows by its digest after the first time.
  ///
  /// - Parameter timeout: milliseconds, for each of the at most two commands that this takes.
  public func evaluate(
    _ script: String, keys: [String], arguments: [RedisArgument], timeout: Int = defaultTimeout
  ) async throws(RedisError) -> RedisReply {
    let result = await withCheckedContinuation { continuation in
      submit(script: script, keys: keys, arguments: arguments, timeout: timeout) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  public func submit(
    script: String, keys: [String], arguments: [RedisArgument], timeout: Int = defaultTimeout,
    completion: @escaping Completion = { _ in }
  ) {
    let tail = [.integer(Int64(keys.count))] + keys.map(RedisArgument.text) + arguments
    guard let digest = lock.withLock({ digests[script] }) else {
      load(script)
      return submit(["EVAL", .text(script)] + tail, timeout: timeout, completion: completion)
    }
    submit(["EVALSHA", .text(digest)] + tail, timeout: timeout) { [weak self] result in
      guard let self, case .failure(.refused(let message)) = result, message.hasPrefix("NOSCRIPT") else {
        return completion(result)
      }
      submit(["EVAL", .text(script)] + tail, timeout: timeout, completion: completion)
    }
  }

  private func load(_ script: String) {
    submit(["SCRIPT", "LOAD", .text(script)]) { [weak self] result in
      guard let self, let digest = try? result.get().text else { return }
      lock.withLock { digests[script] = digest }
    }
  }

  // MARK: The client's thread

  private func serve(_ connection: RedisConnection) throws(RedisError) {
    var pipeline = RedisPipeline()
    var unsent: ArraySlice<UInt8> = []
    var lastHeard = MonotonicClock.now
    open()
    do throws(RedisError) {
      while !session.isClosed {
        if unsent.count < Self.sendWindow { takeGathered(&unsent, &pipeline) }
        if !unsent.isEmpty { unsent = unsent.dropFirst(try connection.send(unsent)) }
        let timeout = prepareToWait(pipeline, hasUnsent: !unsent.isEmpty)
        if session.wait(for: connection, toSend: !unsent.isEmpty, timeout: timeout) {
          try connection.receive()
          lastHeard = MonotonicClock.now
          while let reply = try connection.nextReply() {
            guard let entry = pipeline.takeFirst() else { throw .unavailable("a reply to nothing") }
            finish(entry, reply)
          }
        }
        try watch(&pipeline, lastHeard: &lastHeard)
      }
    } catch {
      abandon(&pipeline, error)
      throw error
    }
    abandon(&pipeline, .unavailable("closed"))
  }

  private func open() {
    let (handlers, scripts, waiters) = lock.withLock {
      isUp = true
      hasAttempted = true
      defer { startWaiters = [] }
      return (connectHandlers, Array(digests.keys), startWaiters)
    }
    // A server that was restarted knows no scripts.
    for script in scripts { load(script) }
    for handler in handlers { handler() }
    for waiter in waiters { waiter.resume() }
  }

  private func takeGathered(_ unsent: inout ArraySlice<UInt8>, _ pipeline: inout RedisPipeline) {
    var bytes: [UInt8] = []
    var entries: [RedisPipeline.Entry] = []
    lock.withLock {
      swap(&bytes, &gathered)
      swap(&entries, &gatheredEntries)
    }
    pipeline.append(entries)
    if unsent.isEmpty { unsent = bytes[...] } else { unsent.append(contentsOf: bytes) }
  }

  /// Milliseconds to wait: none if commands came in meanwhile, and none of them may come unnoticed from now on.
  private func prepareToWait(_ pipeline: RedisPipeline, hasUnsent: Bool) -> Int {
    let mustNotWait = lock.withLock {
      isWaiting = gathered.isEmpty || hasUnsent
      return !isWaiting
    }
    if mustNotWait { return 0 }
    let now = MonotonicClock.now
    return Int(clamping: max(0, min(pipeline.nextDeadline - now, pipeline.count > 0 ? 100 : Self.idleLimit)))
  }

  private func finish(_ entry: RedisPipeline.Entry, _ reply: RedisReply) {
    if case .error(let message) = reply {
      failures.add()
      entry.completion?(.failure(.refused(message)))
    } else {
      entry.completion?(.success(reply))
    }
  }

  /// Ends waiting that has lasted too long, and a connection that says nothing any more.
  private func watch(_ pipeline: inout RedisPipeline, lastHeard: inout Int64) throws(RedisError) {
    let now = MonotonicClock.now
    for completion in pipeline.takeExpired(at: now) {
      failures.add()
      completion(.failure(.timeout))
    }
    guard let oldest = pipeline.oldest else {
      if now - lastHeard >= Self.idleLimit {
        lastHeard = now
        send(["PING"])
      }
      return
    }
    if now - max(oldest, lastHeard) >= Self.stallLimit { throw .unavailable("no reply for \(Self.stallLimit) ms") }
  }

  private func abandon(_ pipeline: inout RedisPipeline, _ error: RedisError) {
    let waiting = pipeline.takeAll()
    fail(error)
    failures.add(waiting.count)
    for completion in waiting { completion(.failure(error)) }
  }

  /// No commands are taken from now on; those that were not sent yet fail.
  private func fail(_ error: RedisError) {
    var entries: [RedisPipeline.Entry] = []
    let waiters = lock.withLock {
      isUp = false
      hasAttempted = true
      isWaiting = false
      if case .unavailable(let reason) = error { downReason = reason } else { downReason = error.description }
      gathered = []
      swap(&entries, &gatheredEntries)
      defer { startWaiters = [] }
      return startWaiters
    }
    for entry in entries { entry.completion?(.failure(error)) }
    for waiter in waiters { waiter.resume() }
  }
}
