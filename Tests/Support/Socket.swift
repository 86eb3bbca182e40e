import Foundation

/// What went wrong between a test and a server, in words for the test's failure.
public struct TestSupportError: Error, CustomStringConvertible {
  public var description: String

  public init(_ description: String) { self.description = description }
}

/// A blocking TCP connection to this machine. Used by one thread at a time.
public final class Socket {
  /// For polling; reading and writing are the socket's.
  public private(set) var descriptor: Int32

  public init(port: Int) throws {
    // Servers that a test starts must not inherit it: they would keep the connection open.
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw TestSupportError("socket: errno \(errno)") }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      let reason = errno
      close()
      throw TestSupportError("connect to 127.0.0.1:\(port): errno \(reason)")
    }
    setOption(IPPROTO_TCP, TCP_NODELAY, 1)
  }

  /// Takes over a connection that was accepted.
  init(adopting descriptor: Int32) {
    self.descriptor = descriptor
    setOption(IPPROTO_TCP, TCP_NODELAY, 1)
  }

  deinit { close() }

  private func setOption(_ level: Int, _ name: Int32, _ value: Int32) {
    var value = value
    _ = unsafe setsockopt(descriptor, Int32(level), name, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  /// How much the kernel takes in for a reader that does not read. Bytes.
  public func limitReceiveBuffer(to bytes: Int32) { setOption(Int(SOL_SOCKET), SO_RCVBUF, bytes) }

  /// - Throws: where the other side has closed.
  public func send(_ bytes: some Collection<UInt8>) throws {
    let bytes = Array(bytes)
    var sent = 0
    while sent < bytes.count {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Foundation.send(
          descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw TestSupportError("send: errno \(errno)") }
      sent += count
    }
  }

  /// What has come: at least a byte, or `nil` once the other side has closed.
  /// - Throws: when nothing came until the deadline.
  public func receive(until deadline: ContinuousClock.Instant) throws -> [UInt8]? {
    guard waitForInput(until: deadline) else { throw TestSupportError("nothing came in time") }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
    // A reset is an end as well: what a test wants to know is that the connection is over.
    guard count > 0 else { return nil }
    return Array(buffer[..<count])
  }

  /// Whether there is something to read, or the end, before the deadline.
  public func waitForInput(until deadline: ContinuousClock.Instant) -> Bool {
    while true {
      let left = max(.zero, deadline - .now)
      let milliseconds = left.components.seconds * 1_000 + left.components.attoseconds / 1_000_000_000_000_000
      var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = unsafe Foundation.poll(&poll, 1, Int32(clamping: milliseconds + 1))
      if ready > 0 { return true }
      if ready == 0, ContinuousClock.now >= deadline { return false }
      if ready < 0, errno != EINTR { return true }
    }
  }

  /// Says that nothing more will be sent.
  public func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Ends both directions; whoever waits for input wakes up. The one call that another thread may make.
  public func abort() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  public func close() {
    if descriptor >= 0 { Foundation.close(descriptor) }
    descriptor = -1
  }
}
