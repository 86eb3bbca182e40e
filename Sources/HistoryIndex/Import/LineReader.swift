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
        offset += Int64(line.count) + 1
        return line.count > Self.longest ? .tooLong : .line(Self.trimmed(line))
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
    return .line(Self.trimmed(buffer))
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

  private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    line.last == UInt8(ascii: "\r") ? line.dropLast() : line
  }
}
