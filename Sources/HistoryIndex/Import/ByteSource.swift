import CLinux
import CZstd
import Foundation

/// Bytes that are read once, from front to back.
protocol ByteSource: AnyObject {
  /// The next bytes; empty at the end. Blocks.
  func next() throws -> [UInt8]
  /// How much of the input was read, of how much; `nil` where that cannot be known.
  var fraction: Double? { get }
}

/// Why an input cannot be read.
public struct ImportSourceError: Error, CustomStringConvertible {
  public var description: String

  init(_ description: String) { self.description = description }
}

/// A file or standard input.
final class FileSource: ByteSource {
  private static let chunk = 1 << 18

  private let handle: FileHandle
  private let name: String
  private let size: UInt64?
  private var done: UInt64 = 0

  /// - Parameter path: `-` is standard input.
  init(path: String) throws {
    name = path
    if path == "-" {
      handle = .standardInput
      size = nil
      return
    }
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let kind = (try? FileManager.default.attributesOfItem(atPath: target))?[.type] as? FileAttributeType
    if kind == .typeDirectory {
      throw ImportSourceError("\(path) is a folder; expected a file of JSON objects, one a line")
    }
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw ImportSourceError("\(path) cannot be read")
    }
    self.handle = handle
    let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64) ?? 0
    self.size = size == 0 ? nil : size
  }

  deinit { try? handle.close() }

  func next() throws -> [UInt8] {
    let data: Data?
    do { data = try handle.read(upToCount: Self.chunk) } catch {
      throw ImportSourceError("\(name) cannot be read: \(error.localizedDescription)")
    }
    done += UInt64(data?.count ?? 0)
    return data.map(Array.init) ?? []
  }

  var fraction: Double? { size.map { min(1, Double(done) / Double($0)) } }
}

/// What a zstd stream holds (RFC 8878), one frame after the other.
@safe final class ZstdSource: ByteSource {
  private let source: any ByteSource
  private let name: String
  private let stream: OpaquePointer
  private var input: [UInt8] = []
  private var position = 0
  private var isWithinFrame = false
  private var output = [UInt8](repeating: 0, count: 1 << 18)

  /// The first four bytes of every frame.
  static let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]

  init(_ source: any ByteSource, name: String) throws {
    guard let stream = unsafe ZSTD_createDStream() else { throw ImportSourceError("no memory to decompress \(name)") }
    unsafe self.stream = stream
    self.source = source
    self.name = name
  }

  deinit { unsafe ZSTD_freeDStream(stream) }

  var fraction: Double? { source.fraction }

  func next() throws -> [UInt8] {
    while true {
      if position == input.count {
        input = try source.next()
        position = 0
        if input.isEmpty {
          if isWithinFrame { throw ImportSourceError("\(name) ends within a zstd frame") }
          return []
        }
      }
      let count = try decompress()
      if count > 0 { return Array(output[..<count]) }
    }
  }

  /// Returns how many bytes of `output` were filled.
  private func decompress() throws -> Int {
    let (result, read, written) = unsafe input.withUnsafeBytes { source in
      unsafe output.withUnsafeMutableBytes { target in
        var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: position)
        var to = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
        let result = unsafe ZSTD_decompressStream(stream, &to, &from)
        return unsafe (result, from.pos, to.pos)
      }
    }
    guard ZSTD_isError(result) == 0 else {
      throw ImportSourceError("\(name) is no zstd stream: \(unsafe String(cString: ZSTD_getErrorName(result)))")
    }
    position = read
    // 0: a frame is complete and wholly given out.
    isWithinFrame = result != 0
    return written
  }
}

/// Gives back what was looked at before reading on.
final class PeekedSource: ByteSource {
  private let source: any ByteSource
  private var peeked: [UInt8]?

  init(_ source: any ByteSource) { self.source = source }

  func peek() throws -> [UInt8] {
    if let peeked { return peeked }
    let bytes = try source.next()
    peeked = bytes
    return bytes
  }

  /// The first line, as far as it is in the first 64 KiB. A pipe gives it in pieces.
  func peekLine() throws -> ArraySlice<UInt8> {
    var bytes = try peek()
    while bytes.count < 1 << 16, !bytes.contains(UInt8(ascii: "\n")) {
      let more = try source.next()
      if more.isEmpty { break }
      bytes += more
      peeked = bytes
    }
    return bytes.prefix { $0 != UInt8(ascii: "\n") }
  }

  func next() throws -> [UInt8] {
    defer { peeked = nil }
    return try peeked ?? source.next()
  }

  var fraction: Double? { source.fraction }
}
