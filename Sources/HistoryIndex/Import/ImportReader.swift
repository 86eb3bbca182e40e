import ChatRooms
import Drivers
import Foundation

/// Lines that were read and parsed together.
struct ImportChunk: Sendable {
  struct Bad: Sendable {
    var line: Int64
    var reason: String
  }

  /// With their numbers in the input, from 1.
  var lines: [(number: Int64, line: ImportLine)] = []
  var bad: [Bad] = []
  /// The input's last line, where it was cut off while it was written: it is read again when the input has grown.
  var cutOff: Bad?
  /// Users of whom an export had no line before.
  var users: [CatalogueUser] = []
  /// Bytes and lines of the input up to here.
  var offset: Int64 = 0
  var lineCount: Int64 = 0
  /// How much of the input was read; `nil` where that cannot be known.
  var fraction: Double?
}

/// Reads and parses on a thread of its own, a few chunks ahead of whoever takes them.
final class ImportReader: @unchecked Sendable {
  /// Bytes of lines after which a chunk is full, so that long messages make no request that is refused.
  static let chunkBytes: Int64 = 2 << 20
  private static let ahead = 4

  /// What the lines are.
  enum Format: Sendable {
    case plain
    /// What follows on the catalogue of an export.
    case export
  }

  /// Each chunk taken is to be followed by `taken()`.
  let chunks: AsyncThrowingStream<ImportChunk, any Error>
  private let sink: AsyncThrowingStream<ImportChunk, any Error>.Continuation
  /// Begins at 0 and is raised, since a semaphore must not be given up below the value that it began with.
  private let slots = DispatchSemaphore(value: 0)
  private let lock = NSLock()
  private var isStopped = false
  private let linesPerChunk: Int
  private let format: Format
  // The thread's alone.
  private var reader: LineReader
  private var lineCount: Int64

  /// - Parameters:
  ///   - reader: stands at the beginning.
  ///   - progress: what was imported before, and is passed over.
  ///   - linesPerChunk: at most; fewer where they are long.
  init(_ reader: LineReader, after progress: ImportProgress, linesPerChunk: Int, format: Format = .plain) {
    self.format = format
    (chunks, sink) = AsyncThrowingStream.makeStream()
    self.linesPerChunk = linesPerChunk
    self.reader = reader
    lineCount = progress.lines
    for _ in 0..<Self.ahead { slots.signal() }
    _ = WorkerThread(name: "import") { [self] in
      do {
        try self.reader.skip(to: progress.bytes)
        try read()
        sink.finish()
      } catch {
        sink.finish(throwing: error)
      }
    }
  }

  func taken() { slots.signal() }

  /// Lets the thread end early.
  func stop() {
    lock.withLock { isStopped = true }
    slots.signal()
  }

  private func read() throws {
    while !lock.withLock({ isStopped }) {
      var chunk = ImportChunk()
      chunk.lines.reserveCapacity(linesPerChunk)
      let before = lineCount
      let end = reader.offset + Self.chunkBytes
      while chunk.lines.count < linesPerChunk, chunk.bad.count < linesPerChunk, reader.offset < end,
        let line = try reader.next()
      {
        lineCount += 1
        parse(line, number: lineCount, into: &chunk)
      }
      if lineCount == before { return }
      chunk.offset = chunk.cutOff == nil ? reader.offset : reader.start
      chunk.lineCount = chunk.cutOff == nil ? lineCount : lineCount - 1
      chunk.fraction = reader.fraction
      slots.wait()
      sink.yield(chunk)
    }
  }

  private func parse(_ line: LineReader.Line, number: Int64, into chunk: inout ImportChunk) {
    switch line {
    case .tooLong: chunk.bad.append(ImportChunk.Bad(line: number, reason: "longer than 1 MiB"))
    case .line(let bytes):
      // Empty lines between and at the end are nobody's mistake.
      if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return }
      do {
        switch format {
        case .plain: chunk.lines.append((number, try ImportLine(parsing: bytes)))
        case .export: try chunk.append(exported: bytes, number: number)
        }
      } catch {
        refuse(bytes, ImportChunk.Bad(line: number, reason: error.reason), in: &chunk)
      }
    }
  }

  private func refuse(_ line: ArraySlice<UInt8>, _ bad: ImportChunk.Bad, in chunk: inout ImportChunk) {
    guard case .plain = format, reader.isUnended, (try? JSONValue(parsing: Array(line))) == nil else {
      return chunk.bad.append(bad)
    }
    chunk.cutOff = ImportChunk.Bad(
      line: bad.line, reason: "the input ends within this line, which is read again when it has grown")
  }
}
