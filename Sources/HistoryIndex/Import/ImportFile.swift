import Foundation

/// An input of an import: a file, compressed or not, or standard input.
struct ImportFile {
  /// As it was given; `-` is standard input.
  var path: String

  struct Opened {
    /// The lines that come of it.
    var lines: LineReader
    /// How an import of it is known again: by its name, its first line and the rooms' prefix. An export is itself under
    /// any name.
    var source: String
    /// What `palaver export` has written.
    var isExport: Bool
  }

  /// - Throws: `ImportSourceError`, also for an export that this version cannot read.
  func open(roomPrefix: String) throws -> Opened {
    var source = PeekedSource(try FileSource(path: path))
    if try source.peek().starts(with: ZstdSource.magic) {
      source = PeekedSource(try ZstdSource(source, name: path))
    }
    let firstLine = try source.peekLine()
    let isExport = try holdsExport(firstLine)
    let name = isExport ? ExportHeader.type : path == "-" ? "-" : URL(fileURLWithPath: path).lastPathComponent
    let digest = String(FNV1a.hash(firstLine), radix: 16)
    return Opened(
      lines: LineReader(source), source: "\(name.prefix(200)) \(digest) \(roomPrefix.prefix(64))", isExport: isExport)
  }

  private func holdsExport(_ firstLine: ArraySlice<UInt8>) throws -> Bool {
    do { return try ExportHeader(firstLine: firstLine) != nil } catch {
      throw ImportSourceError("\(path): \(error.reason)")
    }
  }
}

/// Fowler, Noll and Vo's hash 1a with 64 bits: fast, and good enough to tell files and lines apart.
enum FNV1a {
  static func hash(_ bytes: some Sequence<UInt8>, seed: UInt64 = 0xCBF2_9CE4_8422_2325) -> UInt64 {
    bytes.reduce(seed) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
  }
}
