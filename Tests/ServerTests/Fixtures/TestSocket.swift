import CLinux
import Drivers
import Foundation
import Glibc

@testable import server

struct SocketFailure: Error {
  var reason: String
}

/// A blocking TCP client that sends whatever bytes it is told to, and reads HTTP replies and WebSocket frames.
final class TestSocket: @unchecked Sendable {
  struct Frame: Equatable {
    var opcode: UInt8
    var payload: [UInt8]

    var text: String { String(decoding: payload, as: UTF8.self) }
    var json: JSONValue? { try? JSONValue(parsing: payload) }
    var closeCode: Int? { opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil }
    var type: String? { json?["type"]?.string }
  }

  struct Reply {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: [UInt8]

    var json: JSONValue? { try? JSONValue(parsing: body) }
  }

  private let descriptor: Int32
  private var buffer: [UInt8] = []

  /// - Parameter receiveBuffer: the kernel's, in bytes, for a client that is to be slow.
  init(port: UInt16, receiveBuffer: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    if var bytes = receiveBuffer {
      unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }
    var patience = timeval(tv_sec: 30, tv_usec: 0)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let status = unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw SocketFailure(reason: "cannot connect") }
  }

  deinit { if !isClosed { Glibc.close(descriptor) } }

  private var isClosed = false

  func close() {
    isClosed = true
    Glibc.close(descriptor)
  }

  /// Closes with a reset.
  func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw SocketFailure(reason: "cannot send") }
      rest = rest.dropFirst(count)
    }
  }

  func send(_ text: String) throws { try send(Array(text.utf8)) }
  func sendText(_ text: String) throws { try send(clientFrame(text)) }

  /// Returns false at the end of the stream.
  private func fill() throws -> Bool {
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    let count = unsafe chunk.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
    guard count >= 0 else {
      if errno == ECONNRESET { return false }
      throw SocketFailure(reason: "nothing came within thirty seconds")
    }
    buffer += chunk[..<count]
    return count > 0
  }

  private func take(_ count: Int) throws -> [UInt8] {
    while buffer.count < count {
      guard try fill() else { throw SocketFailure(reason: "the stream ended") }
    }
    defer { buffer.removeFirst(count) }
    return Array(buffer[..<count])
  }

  /// Whether the server ends the stream, and says nothing more.
  func isAtEnd() throws -> Bool { try buffer.isEmpty && !fill() }

  // MARK: - HTTP

  func request(_ head: String, body: [UInt8] = [], isHead: Bool = false) throws -> Reply {
    try send(Array(head.utf8) + body)
    return try reply(isHead: isHead)
  }

  func get(_ path: String, headers: String = "") throws -> Reply {
    try request("GET \(path) HTTP/1.1\r\nHost: test\r\n\(headers)\r\n")
  }

  func reply(isHead: Bool = false) throws -> Reply {
    var head = ""
    while !head.hasSuffix("\r\n\r\n") { head += String(decoding: try take(1), as: UTF8.self) }
    let lines = head.components(separatedBy: "\r\n").filter { !$0.isEmpty }
    let status = Int(lines[0].split(separator: " ")[1]) ?? 0
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
    }
    let length = isHead || status == 101 ? 0 : Int(headers["content-length"] ?? "0") ?? 0
    return Reply(status: status, headers: headers, body: try take(length))
  }

  // MARK: - WebSocket

  static func handshakeText(_ path: String, headers: String = "") -> String {
    """
    GET \(path) HTTP/1.1\r
    Host: test\r
    Upgrade: websocket\r
    Connection: keep-alive, Upgrade\r
    Sec-WebSocket-Version: 13\r
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
    \(headers)\r

    """
  }

  /// - Parameter extra: bytes sent together with the handshake.
  @discardableResult
  func handshake(_ path: String, headers: String = "", extra: [UInt8] = []) throws -> Reply {
    let reply = try request(Self.handshakeText(path, headers: headers), body: extra)
    guard reply.status == 101 else { throw SocketFailure(reason: "status \(reply.status)") }
    return reply
  }

  func frame() throws -> Frame {
    let start = try take(2)
    var length = Int(start[1] & 0x7F)
    if length == 126 { length = try take(2).reduce(0) { $0 << 8 | Int($1) } }
    if length == 127 { length = try take(8).reduce(0) { $0 << 8 | Int($1) } }
    return Frame(opcode: start[0] & 0x0F, payload: try take(length))
  }

  /// The next frame of that type of `palaver.v1`.
  func frame(_ type: String) throws -> JSONValue {
    while true {
      let frame = try frame()
      if frame.type == type, let json = frame.json { return json }
      if let code = frame.closeCode { throw SocketFailure(reason: "closed with \(code)") }
    }
  }

  /// Reads on until the server's close frame.
  func closeCode() throws -> Int? {
    while true {
      let frame = try frame()
      if frame.opcode == 8 { return frame.closeCode }
    }
  }
}
