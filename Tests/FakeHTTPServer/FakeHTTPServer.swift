import Foundation
import Glibc

/// An HTTP server of a few lines on a thread of its own: it does with each request what the test says.
public final class FakeHTTPServer: @unchecked Sendable {
  public struct Request: Sendable {
    public var line: String
    public var headers: [String]
    public var body: [UInt8]
    public func header(_ name: String) -> String? {
      headers.first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
        .map { String($0.dropFirst(name.count + 1)).trimmingCharacters(in: .whitespaces) }
    }
  }

  public enum Answer: Sendable {
    case reply(Int, String)
    /// Bytes as they are, then the connection is closed.
    case bytes(String)
    /// The connection is closed without a word.
    case reset
    /// Nothing is said until the server stops.
    case silence
  }

  private let lock = NSLock()
  private let listener: Int32
  private var open: [Int32] = []
  private var isStopped = false
  private var recorded: [Request] = []
  public let port: UInt16

  public init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let fd = listener
    let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(fd, $0, length) == 0 && listen(fd, 64) == 0 && getsockname(fd, $0, &length) == 0
      }
    }
    guard isBound else { throw POSIXError(.EADDRINUSE) }
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [self] in accept(answer) }
  }

  public var origin: String { "http://127.0.0.1:\(port)" }

  public var requests: [Request] {
    lock.lock()
    defer { lock.unlock() }
    return recorded
  }

  public func stop() {
    lock.lock()
    defer { lock.unlock() }
    // Once: afterwards the listener's number may be somebody else's.
    guard !isStopped else { return }
    isStopped = true
    for fd in open { shutdown(fd, Int32(SHUT_RDWR)) }
    shutdown(listener, Int32(SHUT_RDWR))
  }

  private func accept(_ answer: @escaping @Sendable (Request) -> Answer) {
    while true {
      let fd = Glibc.accept(listener, nil, nil)
      guard fd >= 0 else { break }
      lock.lock()
      open.append(fd)
      lock.unlock()
      Thread.detachNewThread { [self] in serve(fd, answer) }
    }
    close(listener)
  }

  private func serve(_ fd: Int32, _ answer: (Request) -> Answer) {
    defer { forget(fd) }
    var buffer: [UInt8] = []
    while let request = read(fd, &buffer) {
      lock.lock()
      recorded.append(request)
      lock.unlock()
      switch answer(request) {
      case .reply(let status, let body):
        write(fd, "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
      case .bytes(let text):
        write(fd, text)
        return
      case .reset: return
      case .silence: _ = read(fd, &buffer)
      }
    }
  }

  private func forget(_ fd: Int32) {
    lock.lock()
    open.removeAll { $0 == fd }
    lock.unlock()
    close(fd)
  }

  private func write(_ fd: Int32, _ text: String) {
    let bytes = Array(text.utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  private func read(_ fd: Int32, _ buffer: inout [UInt8]) -> Request? {
    while true {
      if let request = Self.take(&buffer) { return request }
      var chunk = [UInt8](repeating: 0, count: 65_536)
      let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(fd, $0.baseAddress, $0.count, 0) }
      guard count > 0 else { return nil }
      buffer += chunk[..<count]
    }
  }

  private static func take(_ buffer: inout [UInt8]) -> Request? {
    guard let end = buffer.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    let lines = String(decoding: buffer[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    var request = Request(line: lines.first ?? "", headers: Array(lines.dropFirst()), body: [])
    let length = request.header("Content-Length").flatMap { Int($0) } ?? 0
    guard buffer.count - end.upperBound >= length else { return nil }
    request.body = Array(buffer[end.upperBound..<end.upperBound + length])
    buffer.removeFirst(end.upperBound + length)
    return request
  }
}
