import CLinux
import CZstd
import Foundation
import Glibc

/// Bytes that are written once, from front to back. For one thread at a time; blocks.
protocol ByteSink: AnyObject {
  func write(_ bytes: [UInt8]) throws
  /// Everything was written: what was asked for is there from now on.
  func finish() throws
  /// Nothing is to be left of it, as far as that can be.
  func discard()
}

/// Why an output cannot be written.
public struct ExportOutputError: Error, CustomStringConvertible {
  public var description: String

  init(_ description: String) { self.description = description }

  /// What the last system call said.
  fileprivate init(errno name: String) {
    self.init("\(name) cannot be written: \(unsafe String(cString: strerror(errno)))")
  }
}

/// Standard output, or something else that is open and stays so.
final class DescriptorSink: ByteSink {
  private let descriptor: Int32
  private let name: String

  init(_ descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
  }

  func write(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw ExportOutputError(errno: name) }
      rest = rest.dropFirst(count)
    }
  }

  func finish() {}
  func discard() {}
}

/// A file that has its name only once it is whole and on disk. Until then it is `NAME.part`, which nobody else can read.
final class FileSink: ByteSink {
  private let path: String
  private let partPath: String
  private let descriptor: Int32
  private let sink: DescriptorSink

  /// - Parameter path: of a regular file, or of none.
  /// - Throws: also where another export is writing the same file.
  init(path: String) throws {
    // A link stays one, and what it points to is replaced.
    let path = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    self.path = path
    partPath = path + ".part"
    descriptor = try Self.openPart(partPath)
    sink = DescriptorSink(descriptor, name: partPath)
  }

  private static func openPart(_ path: String) throws -> Int32 {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw ExportOutputError(errno: path) }
    var error: ExportOutputError?
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      error = ExportOutputError("\(path) is being written by another process")
    } else if ftruncate(descriptor, 0) != 0 {
      error = ExportOutputError(errno: path)
    }
    guard let error else { return descriptor }
    close(descriptor)
    throw error
  }

  deinit { close(descriptor) }

  func write(_ bytes: [UInt8]) throws { try sink.write(bytes) }

  func finish() throws {
    guard fsync(descriptor) == 0, unsafe rename(partPath, path) == 0 else { throw ExportOutputError(errno: path) }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let directory = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw ExportOutputError(errno: folder) }
    defer { close(directory) }
    guard fsync(directory) == 0 else { throw ExportOutputError(errno: folder) }
  }

  func discard() { _ = unsafe unlink(partPath) }
}

/// Writes a zstd stream of one frame (RFC 8878), with a checksum of its content.
@safe final class ZstdSink: ByteSink {
  private static let level: Int32 = 3

  private let sink: any ByteSink
  private let stream: OpaquePointer
  private var output = [UInt8](repeating: 0, count: ZSTD_CStreamOutSize())

  init(_ sink: any ByteSink) throws {
    guard let stream = unsafe ZSTD_createCStream() else { throw ExportOutputError("no memory to compress") }
    unsafe self.stream = stream
    self.sink = sink
    unsafe ZSTD_CCtx_setParameter(stream, ZSTD_c_compressionLevel, Self.level)
    unsafe ZSTD_CCtx_setParameter(stream, ZSTD_c_checksumFlag, 1)
  }

  deinit { unsafe ZSTD_freeCStream(stream) }

  func write(_ bytes: [UInt8]) throws { try compress(bytes, ZSTD_e_continue) }

  func finish() throws {
    try compress([], ZSTD_e_end)
    try sink.finish()
  }

  func discard() { sink.discard() }

  private func compress(_ bytes: [UInt8], _ directive: ZSTD_EndDirective) throws {
    var position = 0
    while true {
      let (left, read, written) = unsafe bytes.withUnsafeBytes { source in
        unsafe output.withUnsafeMutableBytes { target in
          var from = unsafe ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: position)
          var to = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
          let left = unsafe ZSTD_compressStream2(stream, &to, &from, directive)
          return unsafe (left, from.pos, to.pos)
        }
      }
      guard ZSTD_isError(left) == 0 else {
        throw ExportOutputError("zstd: \(unsafe String(cString: ZSTD_getErrorName(left)))")
      }
      position = read
      if written > 0 { try sink.write(Array(output[..<written])) }
      // At the end, 0: nothing is left in its buffers. Before, whatever it has not given out may wait there.
      if directive == ZSTD_e_end ? left == 0 : position == bytes.count { return }
    }
  }
}
