import Foundation

/// A port of this machine on which connections are accepted, by one thread at a time.
public final class ListeningSocket: @unchecked Sendable {
  private let descriptor: Int32
  public let port: Int

  /// Listens on a free port.
  public init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw TestSupportError("socket: errno \(errno)") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, length) == 0 && listen(descriptor, 512) == 0
          && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isListening else {
      let reason = errno
      Foundation.close(descriptor)
      throw TestSupportError("listen: errno \(reason)")
    }
    self.descriptor = descriptor
    port = Int(in_port_t(bigEndian: address.sin_port))
  }

  deinit { Foundation.close(descriptor) }

  /// The next connection; `nil` once `stop` was called.
  public func accept() -> Socket? {
    while true {
      let accepted = Foundation.accept(descriptor, nil, nil)
      if accepted >= 0 { _ = fcntl(accepted, F_SETFD, FD_CLOEXEC) }
      if accepted >= 0 { return Socket(adopting: accepted) }
      guard errno == EINTR || errno == ECONNABORTED else { return nil }
    }
  }

  public func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
