import CLinux
import Foundation

/// A listening socket on 127.0.0.1, at a free port; it can play a server that answers with whatever bytes.
public final class LoopbackListener: @unchecked Sendable {
  public let port: UInt16
  private let descriptor: Int32

  public init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        unsafe bind(descriptor, generic, length) + listen(descriptor, 8) + getsockname(descriptor, generic, &length)
      }
    }
    guard status == 0 else { throw POSIXError(.EADDRINUSE) }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }

  /// Takes one connection, answers the first bytes with `greeting` and the next with `answer`, and closes it.
  public func serveOnce(greeting: [UInt8], answer: [UInt8]) {
    // Holds the listener: its number must not become somebody else's while this waits.
    let thread = Thread { [self] in
      let peer = accept(descriptor, nil, nil)
      var buffer = [UInt8](repeating: 0, count: 4_096)
      for bytes in [greeting, answer] {
        guard unsafe recv(peer, &buffer, buffer.count, 0) > 0 else { break }
        _ = unsafe bytes.withUnsafeBytes { unsafe send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      }
      close(peer)
    }
    thread.start()
  }
}
