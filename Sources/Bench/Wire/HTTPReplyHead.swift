/// The head of an HTTP reply in a buffer.
struct HTTPReplyHead: Equatable {
  var status: Int
  /// Bytes of the body; 0 where the head does not say.
  var contentLength: Int
  /// Where the body begins.
  var end: Int
  /// Whether the server closes the connection behind this reply.
  var isLast: Bool

  private static let longest = 64 << 10

  /// `nil` where the head is not whole yet.
  ///
  /// - Throws: `malformed` where none begins, or where the body's length is not given ahead.
  static func next(in bytes: Span<UInt8>, from start: Int) throws(Breach) -> HTTPReplyHead? {
    guard let end = end(in: bytes, from: start) else {
      guard bytes.count - start <= longest else { throw Breach(.malformed, "an HTTP head over 64 KiB") }
      return nil
    }
    var text: [UInt8] = []
    for index in start..<end { text.append(bytes[index]) }
    let lines = String(decoding: text, as: UTF8.self).split(separator: "\r\n")
    guard let first = lines.first?.split(separator: " "), first.count >= 2, first[0].hasPrefix("HTTP/1."),
      let status = Int(first[1])
    else { throw Breach(.malformed, "no HTTP reply") }
    var head = HTTPReplyHead(status: status, contentLength: 0, end: end, isLast: false)
    for line in lines.dropFirst() { try head.take(line) }
    return head
  }

  private mutating func take(_ line: Substring) throws(Breach) {
    let parts = line.split(separator: ":", maxSplits: 1)
    guard parts.count == 2 else { return }
    let value = parts[1].drop { $0 == " " }.lowercased()
    switch parts[0].lowercased() {
    case "content-length":
      guard let length = Int(value), (0...1 << 30).contains(length) else {
        throw Breach(.malformed, "Content-Length: \(value)")
      }
      contentLength = length
    case "transfer-encoding": throw Breach(.malformed, "Transfer-Encoding: \(value) is not understood here")
    case "connection": isLast = value == "close"
    default: break
    }
  }

  private static func end(in bytes: Span<UInt8>, from start: Int) -> Int? {
    guard bytes.count - start >= 4 else { return nil }
    for index in start...(bytes.count - 4) where bytes[index] == 0x0D {
      if bytes[index + 1] == 0x0A, bytes[index + 2] == 0x0D, bytes[index + 3] == 0x0A { return index + 4 }
    }
    return nil
  }
}
