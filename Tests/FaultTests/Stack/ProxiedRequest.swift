import Foundation
import TestSupport

/// A request on its way to Elasticsearch.
struct ProxiedRequest {
  var method: String
  var target: String
  /// As they came, without those that the proxy sets.
  var headers: [String]
  var body: [UInt8]

  /// The last part of the path: `_bulk`, `_search`, `_mget`.
  var endpoint: String {
    let path = target.prefix { $0 != "?" }
    return path.split(separator: "/").last.map(String.init) ?? ""
  }

  var bytes: [UInt8] {
    var head = "\(method) \(target) HTTP/1.1\r\nConnection: close\r\nContent-Length: \(body.count)\r\n"
    for header in headers { head += header + "\r\n" }
    return Array((head + "\r\n").utf8) + body
  }

  /// Of a `_bulk` of `index` actions: each action with its document.
  var bulkPairs: [[UInt8]] {
    let lines = body.split(separator: 0x0A)
    return stride(from: 0, to: lines.count - 1, by: 2).map { Array(lines[$0]) + [0x0A] + Array(lines[$0 + 1]) + [0x0A] }
  }
}

/// Reads requests from a connection that is kept.
struct ProxiedRequestReader {
  private static let ownHeaders = ["connection:", "content-length:", "expect:"]

  let socket: Socket
  private var buffer: [UInt8] = []

  init(socket: Socket) { self.socket = socket }

  /// `nil` at the connection's end.
  mutating func next() -> ProxiedRequest? {
    while true {
      if let request = take() { return request }
      guard let bytes = try? socket.receive(until: .now + .seconds(86_400)) else { return nil }
      buffer += bytes
    }
  }

  private mutating func take() -> ProxiedRequest? {
    guard let end = buffer.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    let lines = String(decoding: buffer[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count == 3 else { return nil }
    let length = lines.first { $0.lowercased().hasPrefix("content-length:") }
      .flatMap { Int($0.dropFirst("content-length:".count).trimmingCharacters(in: .whitespaces)) }
    let bodyEnd = end.upperBound + (length ?? 0)
    guard buffer.count >= bodyEnd else { return nil }
    defer { buffer.removeFirst(bodyEnd) }
    return ProxiedRequest(
      method: String(words[0]), target: String(words[1]),
      headers: lines.dropFirst().filter { line in !Self.ownHeaders.contains { line.lowercased().hasPrefix($0) } },
      body: Array(buffer[end.upperBound..<bodyEnd]))
  }
}
