import CMicroHTTPD

/// A connection of libmicrohttpd's, valid within the calls that hand it over, and from `suspend()` to `resume()`. What
/// nothing else is said of is for the daemon's thread.
@safe
struct DaemonConnection: @unchecked Sendable {
  private let pointer: OpaquePointer
  private let daemon: HTTPDaemon

  init(_ pointer: OpaquePointer, of daemon: HTTPDaemon) {
    unsafe self.pointer = pointer
    self.daemon = daemon
  }

  func suspend() { unsafe MHD_suspend_connection(pointer) }

  /// May be called on any thread; the daemon's own goes on with the request.
  func resume() { daemon.perform { unsafe MHD_resume_connection(pointer) } }

  var descriptor: Int32 { unsafe palaver_mhd_socket(pointer) }

  /// The numeric address of the other side; empty if it is unknown.
  var peer: String {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
      guard let start = text.baseAddress, unsafe palaver_mhd_peer(pointer, start, UInt32(text.count)) != 0 else {
        return ""
      }
      return unsafe String(cString: start)
    }
  }

  /// Names in lower case; a header that comes more than once is joined with commas (RFC 9110, section 5.2).
  var headers: [String: String] {
    var headers: [String: String] = [:]
    unsafe withUnsafeMutablePointer(to: &headers) { collected in
      _ = unsafe MHD_get_connection_values(pointer, .HEADER_KIND, collectHeader, collected)
    }
    return headers
  }

  /// Hands over a reply. Returns false where the daemon does not take it; it then closes the connection.
  func queue(status: Int, headers: [(name: String, value: String)], body: [UInt8]) -> Bool {
    let answer = unsafe body.withUnsafeBytes {
      unsafe MHD_create_response_from_buffer(
        $0.count, UnsafeMutableRawPointer(mutating: $0.baseAddress), .RESPMEM_MUST_COPY)
    }
    return unsafe queue(answer, status: status, headers)
  }

  /// What the daemon's callbacks get.
  var context: UnsafeMutableRawPointer { unsafe Unmanaged.passUnretained(daemon).toOpaque() }

  /// Gives away the answer.
  func queue(
    _ answer: OpaquePointer?, status: Int, _ headers: [(name: String, value: String)]
  ) -> Bool {
    guard let answer = unsafe answer else { return false }
    defer { unsafe MHD_destroy_response(answer) }
    // A header that libmicrohttpd refuses (one with a line break) is left out.
    for header in headers { _ = unsafe MHD_add_response_header(answer, header.name, header.value) }
    return unsafe MHD_queue_response(pointer, UInt32(status), answer) == .YES
  }
}

private let collectHeader: MHD_KeyValueIterator = { context, _, name, value in
  guard let headers = unsafe context?.assumingMemoryBound(to: [String: String].self), let name = unsafe name else {
    return .YES
  }
  let key = unsafe String(cString: name).lowercased()
  let text = unsafe value.map { unsafe String(cString: $0) } ?? ""
  if let present = unsafe headers.pointee[key] {
    unsafe headers.pointee[key] = "\(present), \(text)"
  } else {
    unsafe headers.pointee[key] = text
  }
  return .YES
}
