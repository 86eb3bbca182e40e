import CLinux
import Glibc

/// Why no socket listens.
struct ListenError: Error, CustomStringConvertible {
  var address: String
  var reason: String

  var description: String { "cannot listen on \(address): \(reason)" }
}

/// A bound TCP socket.
struct ListeningSocket {
  let descriptor: Int32
  /// The port that was chosen, where 0 was asked for.
  let port: UInt16

  /// - Parameter host: a numeric address or a name.
  static func open(host: String, port: UInt16, backlog: Int32 = 1_024) throws(ListenError) -> ListeningSocket {
    let name = "\(host):\(port)"
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_PASSIVE
    var list: UnsafeMutablePointer<addrinfo>?
    let status = unsafe getaddrinfo(host, "\(port)", &hints, &list)
    guard status == 0, let first = unsafe list else {
      throw ListenError(address: name, reason: unsafe String(cString: gai_strerror(status)))
    }
    defer { unsafe freeaddrinfo(first) }
    return try unsafe bind(first.pointee, name, backlog)
  }

  private static func bind(
    _ address: addrinfo, _ name: String, _ backlog: Int32
  ) throws(ListenError) -> ListeningSocket {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = unsafe socket(address.ai_family, kind, 0)
    var one: Int32 = 1
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
    guard descriptor >= 0, unsafe Glibc.bind(descriptor, address.ai_addr, address.ai_addrlen) == 0,
      listen(descriptor, backlog) == 0
    else {
      let reason = unsafe String(cString: strerror(errno))
      if descriptor >= 0 { close(descriptor) }
      throw ListenError(address: name, reason: reason)
    }
    return ListeningSocket(descriptor: descriptor, port: boundPort(descriptor))
  }

  private static func boundPort(_ descriptor: Int32) -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      _ = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(descriptor, $0, &length)
      }
      // The port lies at the same place for both families.
      return unsafe pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        unsafe UInt16(bigEndian: $0.pointee.sin_port)
      }
    }
  }
}
