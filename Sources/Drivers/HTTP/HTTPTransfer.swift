import CCurl
import Foundation

/// One request under way: a libcurl easy handle and what it needs to stay alive. Belongs to the client's thread.
@safe final class HTTPTransfer {
  typealias Completion = @Sendable (Result<HTTPReply, HTTPError>) -> Void

  let id: UInt64
  let handle: UnsafeMutableRawPointer
  private let limit: Int
  let completion: Completion
  private var reply: [UInt8] = []
  private var isTooLarge = false
  private var headers: UnsafeMutablePointer<curl_slist>?
  /// "The buffer must be kept around until the transfer is done": CURLOPT_ERRORBUFFER.
  private let words: UnsafeMutablePointer<CChar>

  /// Makes the handle ready for `curl_multi_add_handle`.
  ///
  /// - Parameter handle: new or reset; the caller keeps it.
  init(
    id: UInt64, handle: UnsafeMutableRawPointer, request: HTTPRequest, options: HTTPClientOptions,
    completion: @escaping Completion
  ) {
    self.id = id
    unsafe self.handle = unsafe handle
    self.limit = request.maximumReplyBytes
    self.completion = completion
    unsafe words = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    unsafe words.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    configure(request, options)
  }

  deinit {
    unsafe curl_slist_free_all(headers)
    unsafe words.deallocate()
  }

  private func configure(_ request: HTTPRequest, _ options: HTTPClientOptions) {
    set(CURLOPT_URL, request.url)
    set(CURLOPT_PROTOCOLS_STR, "http,https")
    set(CURLOPT_USERAGENT, options.userAgent)
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_TCP_NODELAY, 1)
    // A page of hits in one read, mostly.
    set(CURLOPT_BUFFERSIZE, 64 << 10)
    set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
    set(CURLOPT_TIMEOUT_MS, request.timeout.positiveMilliseconds)
    set(CURLOPT_CONNECTTIMEOUT_MS, options.connectTimeout.positiveMilliseconds)
    if let file = options.certificateAuthorities { set(CURLOPT_CAINFO, file) }
    if request.acceptsCompression { set(CURLOPT_ACCEPT_ENCODING, "gzip") }
    // An environment variable must not send a cluster's traffic through a proxy.
    set(CURLOPT_PROXY, "")
    setMethod(request)
    // An empty `Expect` keeps libcurl from waiting for "100 Continue" before a large body.
    for header in request.headers + ["Expect:"] { unsafe headers = unsafe curl_slist_append(headers, header) }
    _ = unsafe palaver_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headers)
    _ = unsafe palaver_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, words)
    _ = unsafe palaver_curl_set_pointer(handle, CURLOPT_WRITEDATA, Unmanaged.passUnretained(self).toOpaque())
    _ = unsafe palaver_curl_set_data_callback(handle, CURLOPT_WRITEFUNCTION) { data, size, count, context in
      guard let data = unsafe data, let context = unsafe context else { return 0 }
      let transfer = unsafe Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
      return unsafe transfer.receive(UnsafeRawBufferPointer(start: data, count: size * count))
    }
  }

  private func setMethod(_ request: HTTPRequest) {
    if request.method == .head { set(CURLOPT_NOBODY, 1) }
    if let body = request.body {
      // COPYPOSTFIELDS copies as many bytes as POSTFIELDSIZE says, so the size comes first.
      _ = unsafe palaver_curl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
      unsafe body.withUnsafeBytes { bytes in
        let start = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        _ = unsafe palaver_curl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, start)
      }
      if body.isEmpty { set(CURLOPT_POSTFIELDS, "") }
    }
    if request.method != .head { set(CURLOPT_CUSTOMREQUEST, request.method.rawValue) }
  }

  private func set(_ option: CURLoption, _ value: Int) {
    _ = unsafe palaver_curl_set_long(handle, option, value)
  }

  private func set(_ option: CURLoption, _ value: String) {
    _ = unsafe palaver_curl_set_string(handle, option, value)
  }

  /// Returns how many bytes were taken; fewer than came end the transfer.
  private func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard bytes.count <= limit - reply.count else {
      isTooLarge = true
      return 0
    }
    unsafe reply.append(contentsOf: bytes)
    return bytes.count
  }

  /// Tells the caller. To be called once, with the handle off the multi handle.
  func finish(_ code: CURLcode) {
    guard code == CURLE_OK else { return completion(.failure(error(code))) }
    var status = 0
    _ = unsafe palaver_curl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
    completion(.success(HTTPReply(status: status, body: reply)))
  }

  func fail(_ kind: HTTPError.Kind, _ message: String) { completion(.failure(HTTPError(kind, message))) }

  private func error(_ code: CURLcode) -> HTTPError {
    if isTooLarge { return HTTPError(.replyTooLarge, "The reply is larger than \(limit) bytes.") }
    let detail = unsafe String(cString: words)
    let general = unsafe String(cString: curl_easy_strerror(code))
    return HTTPError(Self.kind(code), detail.isEmpty ? general : detail)
  }

  private static func kind(_ code: CURLcode) -> HTTPError.Kind {
    switch code {
    case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST: .unreachable
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT: .invalid
    case CURLE_OPERATION_TIMEDOUT: .timedOut
    case CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_WEIRD_SERVER_REPLY,
      CURLE_BAD_CONTENT_ENCODING:
      .disconnected
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE: .tls
    default: .other
    }
  }
}
