/// Cuts bytes into lines, and knows where in the stream it is.
struct LineReader {
  /// Bytes of a line; a longer one is skipped and reported.
  static let longest = 1 << 20

  enum Line: Equatable {
    case line(ArraySlice<UInt8>)
    case tooLong
  }

  private let source: any ByteSource
  private var buffer: ArraySlice<UInt8> = []
  private var isAtEnd = false
  /// Bytes of the stream up to the end of the last line.
  private(set) var offset: Int64 = 0
  /// Bytes of the stream up to its beginning.
  private(set) var start: Int64 = 0
  /// The last line was the stream's last and had no end: whoever writes it may not be done.
  private(set) var isUnended = false

  /// What some editors put before a text in UTF-8.
  static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  init(_ source: any ByteSource) { self.source = source }

  var fraction: Double? { source.fraction }

  /// Passes over the stream's beginning, which was imported before.
  mutating func skip(to offset: Int64) throws {
    while self.offset < offset {
      if buffer.isEmpty { buffer = try source.next()[...] }
      if buffer.isEmpty { return }
      let count = Int(min(offset - self.offset, Int64(buffer.count)))
      buffer = buffer.dropFirst(count)
      self.offset += Int64(count)
    }
  }

  /// The next line without its end; `nil` after the last.
  mutating func next() throws -> Line? {
    var searched = buffer.startIndex
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = buffer[..<end]
        buffer = buffer[(end + 1)...]
        start = offset
        offset += Int64(line.count) + 1
        return line.count > Self.longest ? .tooLong : .line(trimmed(line))
      }
      if isAtEnd { return last() }
      if buffer.count > Self.longest { return try skipLine() }
      let searchedCount = buffer.count
      let more = try source.next()
      isAtEnd = more.isEmpty
      buffer = (Array(buffer) + more)[...]
      searched = searchedCount
    }
  }

  private mutating func last() -> Line? {
    guard !buffer.isEmpty else { return nil }
    defer {
      offset += Int64(buffer.count)
      buffer = []
    }
    start = offset
    isUnended = true
    return .line(trimmed(buffer))
  }

  private mutating func skipLine() throws -> Line {
    while !isAtEnd {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        offset += Int64(end - buffer.startIndex) + 1
        buffer = buffer[(end + 1)...]
        return .tooLong
      }
      offset += Int64(buffer.count)
      let more = try source.next()
      isAtEnd = more.isEmpty
      buffer = more[...]
    }
    return .tooLong
  }

  private func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let line = start == 0 ? Self.withoutByteOrderMark(line) : line
    return line.last == UInt8(ascii: "\r") ? line.dropLast() : line
  }

  static func withoutByteOrderMark(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    line.starts(with: byteOrderMark) ? line.dropFirst(byteOrderMark.count) : line
  }
}
