import CCurl

/// The transfers of an `HTTPClient` and its multi handle. Belongs to the client's thread.
@safe final class HTTPLoop: @unchecked Sendable {
  /// Handles kept for later requests: making one costs more than resetting one.
  private static let spareHandles = 32
  /// A turn without anything to do; the queue wakes it before.
  private static let idleMilliseconds: Int32 = 60_000

  private let multi: UnsafeMutableRawPointer
  private let options: HTTPClientOptions
  private var transfers: [UInt64: HTTPTransfer] = [:]
  private var spares: [UnsafeMutableRawPointer] = unsafe []

  init(multi: UnsafeMutableRawPointer, options: HTTPClientOptions) {
    unsafe self.multi = unsafe multi
    self.options = options
  }

  func start(id: UInt64, _ request: HTTPRequest, _ completion: @escaping HTTPTransfer.Completion) {
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

  /// Moves all transfers on, answers those that ended, and waits for the next thing to do.
  func turn() {
    var running: Int32 = 0
    unsafe curl_multi_perform(multi, &running)
    var left: Int32 = 0
    while let message = unsafe curl_multi_info_read(multi, &left) {
      guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
      unsafe end(message.pointee.easy_handle, message.pointee.data.result)
    }
    unsafe curl_multi_poll(multi, nil, 0, Self.idleMilliseconds, nil)
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

  func close() {
    for id in Array(transfers.keys) {
      guard let transfer = remove(id) else { continue }
      transfer.fail(.closed, "The HTTP client is closed.")
      unsafe curl_easy_cleanup(transfer.handle)
    }
    while let handle = unsafe spares.popLast() { unsafe curl_easy_cleanup(handle) }
    unsafe curl_multi_cleanup(multi)
  }
}
