import CLinux
import Foundation

/// Where an export goes. For one thread at a time; blocks.
public final class ExportOutput: @unchecked Sendable {
  private let sink: any ByteSink
  /// Bytes before compression.
  private(set) var bytes: Int64 = 0

  init(_ sink: any ByteSink) { self.sink = sink }

  /// - Parameter path: compressed with zstd if it ends in `.zst`; `-` is standard output, as it is.
  /// - Throws: `ExportOutputError`.
  public convenience init(path: String) throws {
    let sink = try Self.sink(path)
    if path.hasSuffix(".zst") {
      self.init(try ZstdSink(sink))
    } else {
      self.init(sink)
    }
  }

  private static func sink(_ path: String) throws -> any ByteSink {
    if path == "-" { return DescriptorSink(STDOUT_FILENO, name: "standard output") }
    var status = stat()
    let isThere = unsafe stat(path, &status) == 0
    // A device or a pipe has no other name under which it could wait.
    guard isThere, status.st_mode & S_IFMT != S_IFREG else { return try FileSink(path: path) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw ExportOutputError("\(path) is a folder") }
    let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ExportOutputError("\(path) cannot be written") }
    return DescriptorSink(descriptor, name: path)
  }

  func write(_ bytes: [UInt8]) throws {
    try sink.write(bytes)
    self.bytes += Int64(bytes.count)
  }

  /// Everything is there: a file gets its name.
  func finish() throws { try sink.finish() }

  /// Nothing is to be left of a file.
  public func discard() { sink.discard() }
}
