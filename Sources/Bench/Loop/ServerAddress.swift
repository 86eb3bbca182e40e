import CLinux
import Glibc

/// Where a server listens, resolved once.
public struct ServerAddress: @unchecked Sendable {
  /// As it was given, for `Host`.
  public let authority: String
  private let storage: sockaddr_storage
  private let length: socklen_t
  private let family: Int32

  /// - Throws: `BenchError` where the name is not known.
  public init(host: String, port: Int) throws(BenchError) {
    authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = unsafe getaddrinfo(host, "\(port)", &hints, &list)
    guard status == 0, let first = unsafe list, let address = unsafe first.pointee.ai_addr else {
      throw BenchError("\(host): \(unsafe String(cString: gai_strerror(status)))")
    }
    defer { unsafe freeaddrinfo(first) }
    family = unsafe first.pointee.ai_family
    length = unsafe first.pointee.ai_addrlen
    var storage = sockaddr_storage()
    let count = min(Int(length), MemoryLayout<sockaddr_storage>.size)
    unsafe withUnsafeMutableBytes(of: &storage) {
      unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: count))
    }
    self.storage = storage
  }

  /// A socket that is connecting, or connected, and never blocks; `nil` with `errno` where there can be none.
  func connect() -> Int32? {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(family, kind, 0)
    guard descriptor >= 0 else { return nil }
    var one: Int32 = 1
    unsafe setsockopt(
      descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    var address = storage
    let status = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(descriptor, $0, length)
      }
    }
    guard status == 0 || errno == EINPROGRESS else {
      close(descriptor)
      return nil
    }
    return descriptor
  }
}

/// Why a run could not be made.
public struct BenchError: Error, CustomStringConvertible {
  public var description: String

  public init(_ description: String) { self.description = description }
}
