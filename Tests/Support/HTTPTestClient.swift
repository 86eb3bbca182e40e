import Drivers
import Foundation

/// A reply as it came.
public struct HTTPTestResponse: Sendable, CustomStringConvertible {
  public var status: Int
  /// Names in lower case.
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]

  public func header(_ name: String) -> String? { headers.first { $0.name == name.lowercased() }?.value }

  /// The body as JSON; `.null` if it is none.
  public var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }

  public subscript(name: String) -> JSONValue? { json[name] }

  public var text: String { String(decoding: body, as: UTF8.self) }

  public var description: String { "\(status) \(text.prefix(600))" }
}

/// HTTP/1.1 over plain sockets, a connection a request: it hides nothing of what the server does.
public struct HTTPTestClient: Sendable {
  public var port: Int
  /// Sent with every request.
  public var headers: [(name: String, value: String)]
  public var timeout: Duration

  public init(port: Int, headers: [(name: String, value: String)] = [], timeout: Duration = .seconds(15)) {
    self.port = port
    self.headers = headers
    self.timeout = timeout
  }

  public func get(_ target: String) throws -> HTTPTestResponse { try request("GET", target) }

  public func post(_ target: String, _ json: JSONValue? = nil) throws -> HTTPTestResponse {
    try request("POST", target, body: json.map { Array($0.compact.utf8) })
  }

  /// - Parameter target: path and query, encoded.
  public func request(
    _ method: String, _ target: String, headers extra: [(name: String, value: String)] = [], body: [UInt8]? = nil
  ) throws -> HTTPTestResponse {
    var head = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
    for (name, value) in headers + extra { head += "\(name): \(value)\r\n" }
    if let body {
      let hasType = (headers + extra).contains { $0.name.lowercased() == "content-type" }
      if !hasType { head += "Content-Type: application/json\r\n" }
      head += "Content-Length: \(body.count)\r\n"
    }
    return try exchange(Array((head + "\r\n").utf8) + (body ?? []), method: method)
  }

  /// Sends bytes as they are and reads one reply.
  public func exchange(_ bytes: [UInt8], method: String = "GET") throws -> HTTPTestResponse {
    let socket = try Socket(port: port)
    defer { socket.close() }
    // A server may answer and close before it has read everything, as with a body that is too large.
    let sent = Result { try socket.send(bytes) }
    var reader = HTTPReplyReader(socket: socket, deadline: .now + timeout)
    do {
      return try reader.readReply(to: method)
    } catch {
      try sent.get()
      throw error
    }
  }
}

/// Reads replies from a socket; what came after the reply stays in `rest`.
struct HTTPReplyReader {
  let socket: Socket
  let deadline: ContinuousClock.Instant
  private(set) var rest: [UInt8] = []

  init(socket: Socket, deadline: ContinuousClock.Instant) {
    self.socket = socket
    self.deadline = deadline
  }

  mutating func readReply(to method: String) throws -> HTTPTestResponse {
    var response = try readHead()
    while response.status == 100 { response = try readHead() }
    if method == "HEAD" || response.status == 101 || response.status == 204 || response.status == 304 {
      return response
    }
    if response.header("transfer-encoding")?.lowercased() == "chunked" {
      response.body = try readChunks()
    } else if let length = response.header("content-length").flatMap({ Int($0) }) {
      response.body = try take(length)
    } else {
      while try fill() {}
      response.body = rest
      rest = []
    }
    return response
  }

  private mutating func readHead() throws -> HTTPTestResponse {
    let lines = try readLine().split(separator: " ", maxSplits: 2)
    guard lines.count >= 2, lines[0].hasPrefix("HTTP/1."), let status = Int(lines[1]) else {
      throw TestSupportError("no status line: \(lines)")
    }
    var headers: [(name: String, value: String)] = []
    while true {
      let line = try readLine()
      if line.isEmpty { return HTTPTestResponse(status: status, headers: headers, body: []) }
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw TestSupportError("no header: \(line)") }
      headers.append((parts[0].lowercased(), parts[1].trimmingCharacters(in: .whitespaces)))
    }
  }

  private mutating func readLine() throws -> String {
    while true {
      if let end = rest.firstIndex(of: 0x0A) {
        let line = rest[..<end].last == 0x0D ? rest[..<(end - 1)] : rest[..<end]
        let text = String(decoding: line, as: UTF8.self)
        rest.removeFirst(end + 1)
        return text
      }
      guard try fill() else { throw TestSupportError("closed within a head, after \(rest.count) bytes") }
    }
  }

  private mutating func readChunks() throws -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let line = try readLine()
      guard let size = Int(line.prefix { $0 != ";" }, radix: 16) else { throw TestSupportError("no chunk: \(line)") }
      body += try take(size)
      _ = try readLine()
      if size == 0 { return body }
    }
  }

  private mutating func take(_ count: Int) throws -> [UInt8] {
    while rest.count < count {
      guard try fill() else { throw TestSupportError("closed after \(rest.count) of \(count) bytes") }
    }
    let taken = Array(rest.prefix(count))
    rest.removeFirst(count)
    return taken
  }

  private mutating func fill() throws -> Bool {
    guard let bytes = try socket.receive(until: deadline) else { return false }
    rest += bytes
    return true
  }
}

/// A name or query value as it stands in a request's target.
public func percentEncoded(_ text: String) -> String {
  text.utf8.map { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
      String(Character(Unicode.Scalar(byte)))
    default: "%" + String(byte >> 4, radix: 16, uppercase: true) + String(byte & 15, radix: 16, uppercase: true)
    }
  }.joined()
}
