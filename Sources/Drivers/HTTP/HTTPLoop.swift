import CCurl

/// The transfers of an `HTTPClient` on one thread, and libcurl's multi handle for them. Belongs to that thread.
@safe final class HTTPLoop: PolledWork, @unchecked Sendable {
  /// Handles kept for later requests: making one costs more than resetting one.
  private static let spareHandles = 32

  private let multi: UnsafeMutableRawPointer
  private let options: HTTPClientOptions
  let thread: PollingThread
  private var transfers: [UInt64: HTTPTransfer] = [:]
  private var spares: [UnsafeMutableRawPointer] = unsafe []
  /// When libcurl wants to look at its timeouts.
  private var timer = Int64.max
  /// Transfers may have ended.
  private var hasActed = false
  private var isClosed = false

  /// Returns `nil` where libcurl has no memory.
  init?(on thread: PollingThread, options: HTTPClientOptions) {
    guard let multi = unsafe curl_multi_init() else { return nil }
    unsafe self.multi = unsafe multi
    self.options = options
    self.thread = thread
    _ = unsafe palaver_curl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, options.connectionsPerHost)
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    unsafe palaver_curl_multi_set_callbacks(multi, socketChanged, timerChanged, context)
  }

  func start(id: UInt64, _ request: HTTPRequest, _ completion: @escaping HTTPTransfer.Completion) {
    if isClosed { return completion(.failure(.closed)) }
    guard let handle = unsafe (unsafe spares.popLast()) ?? curl_easy_init() else {
      return completion(.failure(HTTPError(.other, "libcurl has no memory for a request.")))
    }
    let transfer = unsafe HTTPTransfer(
      id: id, handle: handle, request: request, options: options, completion: completion)
    // Found again by number, not by address: a finished transfer's handle may serve another request by then.
    let key = unsafe UnsafeMutableRawPointer(bitPattern: UInt(id))
    _ = unsafe palaver_curl_set_pointer(handle, CURLOPT_PRIVATE, key)
    let code = unsafe curl_multi_add_handle(multi, handle)
    guard code == CURLM_OK else {
      unsafe recycle(handle)
      return transfer.fail(.other, unsafe String(cString: curl_multi_strerror(code)))
    }
    transfers[id] = transfer
  }

  func cancel(_ id: UInt64) {
    guard let transfer = remove(id) else { return }
    transfer.fail(.cancelled, "The request was cancelled.")
    unsafe recycle(transfer.handle)
  }

  func ready(_ descriptor: Int32, _ event: Poller.Event) {
    let signs =
      (event.isReadable ? CURL_CSELECT_IN : 0) | (event.isWritable ? CURL_CSELECT_OUT : 0)
      | (event.isBroken ? CURL_CSELECT_ERR : 0)
    act(descriptor, signs)
  }

  private func act(_ descriptor: Int32, _ signs: Int32) {
    var running: Int32 = 0
    unsafe curl_multi_socket_action(multi, descriptor, signs, &running)
    hasActed = true
  }

  var due: Int64 { hasActed ? .min : timer }

  func turn() {
    if timer <= MonotonicClock.now {
      timer = .max
      act(palaver_curl_socket_timeout, 0)
    }
    hasActed = false
    var left: Int32 = 0
    while let message = unsafe curl_multi_info_read(multi, &left) {
      guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
      unsafe end(message.pointee.easy_handle, message.pointee.data.result)
    }
  }

  private func end(_ handle: UnsafeMutableRawPointer?, _ code: CURLcode) {
    guard let handle = unsafe handle else { return }
    var key: UnsafeMutableRawPointer?
    _ = unsafe palaver_curl_get_pointer(handle, CURLINFO_PRIVATE, &key)
    guard let transfer = remove(UInt64(UInt(bitPattern: key))) else { return }
    transfer.finish(code)
    unsafe recycle(handle)
  }

  private func remove(_ id: UInt64) -> HTTPTransfer? {
    guard let transfer = transfers.removeValue(forKey: id) else { return nil }
    unsafe curl_multi_remove_handle(multi, transfer.handle)
    return transfer
  }

  private func recycle(_ handle: UnsafeMutableRawPointer) {
    guard unsafe spares.count < Self.spareHandles else { return unsafe curl_easy_cleanup(handle) }
    unsafe curl_easy_reset(handle)
    unsafe spares.append(handle)
  }

  func end() {
    isClosed = true
    for id in Array(transfers.keys) {
      guard let transfer = remove(id) else { continue }
      transfer.completion(.failure(.closed))
      unsafe curl_easy_cleanup(transfer.handle)
    }
    while let handle = unsafe spares.popLast() { unsafe curl_easy_cleanup(handle) }
    unsafe curl_multi_cleanup(multi)
  }

  // MARK: - What libcurl asks for

  fileprivate func watch(_ descriptor: Int32, _ what: Int32) {
    if what == CURL_POLL_REMOVE { return thread.unwatch(descriptor) }
    let interest = Poller.Interest(
      reading: what == CURL_POLL_IN || what == CURL_POLL_INOUT,
      writing: what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
    thread.watch(descriptor, interest, for: self)
  }

  /// - Parameter wait: milliseconds; negative: no timeout is waited for.
  fileprivate func setTimer(_ wait: Int) {
    timer = wait < 0 ? .max : wait == 0 ? .min : MonotonicClock.now + Int64(wait)
  }
}

// MARK: - Functions that C calls

private func loop(_ context: UnsafeMutableRawPointer?) -> HTTPLoop? {
  unsafe context.map { unsafe Unmanaged<HTTPLoop>.fromOpaque($0).takeUnretainedValue() }
}

private let socketChanged: curl_socket_callback = { _, descriptor, what, context, _ in
  unsafe loop(context)?.watch(descriptor, what)
  return 0
}

private let timerChanged: curl_multi_timer_callback = { _, milliseconds, context in
  unsafe loop(context)?.setTimer(milliseconds)
  return 0
}
