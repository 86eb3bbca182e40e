import CCurl
import Foundation

/// HTTP/1.1 over libcurl's multi interface: any number of requests on one thread, connections kept and used again.
///
/// Made once and shared. What is sent from a thread that it has `joined` stays there, with connections of that thread's
/// own. After `close()` everything fails with `HTTPError.Kind.closed`.
public final class HTTPClient: @unchecked Sendable {
  private let options: HTTPClientOptions
  private let thread: PollingThread?
  private let lock = NSLock()
  /// By the thread.
  private var loops: [ObjectIdentifier: HTTPLoop] = [:]
  private var nextID: UInt64 = 0

  public init(_ options: HTTPClientOptions = HTTPClientOptions()) {
    self.options = options
    curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    thread = PollingThread(name: "http")
    if let thread { join(thread) }
  }

  /// Sends what is begun on that thread from there on there, so that nobody has to be woken for it. The thread is stopped
  /// before the client is closed.
  public func join(_ thread: PollingThread) {
    guard let loop = HTTPLoop(on: thread, options: options) else { return }
    lock.withLock { loops[ObjectIdentifier(thread)] = loop }
    thread.perform { thread.add(loop) }
  }

  /// Ends everything under way and the thread. Call it off the client's thread.
  public func close() {
    lock.withLock { loops = [:] }
    thread?.stop()
  }

  /// Sends a request and waits for the whole reply, whatever its status. Cancelling the task cancels the request.
  ///
  /// - Throws: `HTTPError` where there was no reply.
  public func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPReply { try await begin(request).reply() }

  /// Sends a request whose reply is waited for later. Never waits.
  func begin(_ request: HTTPRequest) -> HTTPAttempt {
    let result = PendingValue<Result<HTTPReply, HTTPError>>()
    let current = PollingThread.current
    lock.lock()
    nextID += 1
    let id = nextID
    let loop = loops[current] ?? loops[thread]
    // Under the lock: what is handed over before the thread is told to stop, it ends.
    if let loop, loop.thread !== current {
      loop.thread.perform { loop.start(id: id, request) { result.give($0) } }
    }
    lock.unlock()
    if let loop, loop.thread === current { loop.start(id: id, request) { result.give($0) } }
    if loop == nil { result.give(.failure(.closed)) }
    return HTTPAttempt(id: id, loop: loop, result: result)
  }
}

extension [ObjectIdentifier: HTTPLoop] {
  fileprivate subscript(_ thread: PollingThread?) -> HTTPLoop? { thread.flatMap { self[ObjectIdentifier($0)] } }
}

/// A request under way.
struct HTTPAttempt: Sendable {
  fileprivate let id: UInt64
  fileprivate let loop: HTTPLoop?
  let result: PendingValue<Result<HTTPReply, HTTPError>>

  /// Waits for the whole reply. Cancelling the task cancels the request.
  func reply() async throws(HTTPError) -> HTTPReply {
    let ended = await withTaskCancellationHandler { () async -> Result<HTTPReply, HTTPError> in
      await result.value
    } onCancel: {
      if let loop { loop.thread.perform { [id] in loop.cancel(id) } }
    }
    return try ended.get()
  }
}
