import CCurl
import Foundation

/// HTTP/1.1 over libcurl's multi interface: any number of requests on one thread, connections kept and used again.
///
/// Made once and shared. Requests are handed over through a queue and answered on the client's thread, or through
/// `send`. After `close()` everything fails with `HTTPError.Kind.closed`.
@safe public final class HTTPClient: @unchecked Sendable {
  private enum Order {
    case start(id: UInt64, HTTPRequest, HTTPTransfer.Completion)
    case cancel(id: UInt64)
  }

  private let options: HTTPClientOptions
  private let lock = NSLock()
  private var orders: [Order] = []
  private var nextID: UInt64 = 0
  private var isClosing = false
  /// Orders are carried out.
  private var hasThread = false
  /// Guards `multi`. Not `lock`: the thread that is woken takes that at once, and would wait for who woke it.
  private let wakeLock = NSLock()
  /// `nil` once the thread has ended, so that nobody wakes a freed handle.
  private var multi: UnsafeMutableRawPointer?
  private var thread: WorkerThread?

  public init(_ options: HTTPClientOptions = HTTPClientOptions()) {
    self.options = options
    curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    unsafe multi = curl_multi_init()
    guard let multi = unsafe multi else { return }
    _ = unsafe palaver_curl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, options.connectionsPerHost)
    let loop = unsafe HTTPLoop(multi: multi, options: options)
    hasThread = true
    thread = WorkerThread(name: "http") { [self] in run(loop) }
  }

  /// Ends everything under way and the thread. Call it off the client's thread.
  public func close() {
    lock.lock()
    isClosing = true
    let thread = thread
    self.thread = nil
    lock.unlock()
    wake()
    thread?.join()
  }

  /// Sends a request; `completion` is called once, on the client's thread, and must not wait.
  ///
  /// - Returns: a number for `cancel`.
  @discardableResult
  public func submit(
    _ request: HTTPRequest, completion: @escaping @Sendable (Result<HTTPReply, HTTPError>) -> Void
  ) -> UInt64 {
    lock.lock()
    nextID += 1
    let id = nextID
    let isRunning = !isClosing && hasThread
    if isRunning { orders.append(.start(id: id, request, completion)) }
    lock.unlock()
    if isRunning { wake() } else { completion(.failure(HTTPError(.closed, "The HTTP client is closed."))) }
    return id
  }

  /// Ends a request with `HTTPError.Kind.cancelled`, unless it has ended already.
  public func cancel(_ id: UInt64) {
    lock.lock()
    orders.append(.cancel(id: id))
    lock.unlock()
    wake()
  }

  /// Sends a request and waits for the whole reply, whatever its status. Cancelling the task cancels the request.
  ///
  /// - Throws: `HTTPError` where there was no reply.
  public func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPReply { try await begin(request).reply() }

  /// Sends a request whose reply is waited for later.
  func begin(_ request: HTTPRequest) -> HTTPAttempt {
    let result = PendingValue<Result<HTTPReply, HTTPError>>()
    let id = submit(request) { result.give($0) }
    return HTTPAttempt(client: self, id: id, result: result)
  }

  private func wake() {
    wakeLock.lock()
    defer { wakeLock.unlock() }
    if let multi = unsafe multi { unsafe curl_multi_wakeup(multi) }
  }

  private func run(_ loop: HTTPLoop) {
    while let orders = takeOrders() {
      for order in orders {
        switch order {
        case .start(let id, let request, let completion): loop.start(id: id, request, completion)
        case .cancel(let id): loop.cancel(id)
        }
      }
      loop.turn()
    }
    wakeLock.lock()
    unsafe multi = nil
    wakeLock.unlock()
    lock.lock()
    hasThread = false
    let left = orders
    orders = []
    lock.unlock()
    loop.close()
    for case .start(_, _, let completion) in left {
      completion(.failure(HTTPError(.closed, "The HTTP client is closed.")))
    }
  }

  private func takeOrders() -> [Order]? {
    lock.lock()
    defer { lock.unlock() }
    if isClosing { return nil }
    var taken: [Order] = []
    swap(&taken, &orders)
    return taken
  }
}

/// A request under way.
struct HTTPAttempt: Sendable {
  fileprivate let client: HTTPClient
  fileprivate let id: UInt64
  let result: PendingValue<Result<HTTPReply, HTTPError>>

  /// Waits for the whole reply. Cancelling the task cancels the request.
  func reply() async throws(HTTPError) -> HTTPReply {
    let ended = await withTaskCancellationHandler { () async -> Result<HTTPReply, HTTPError> in
      await result.value
    } onCancel: {
      client.cancel(id)
    }
    return try ended.get()
  }
}
