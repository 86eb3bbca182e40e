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
    let beginning = try source.peek()
    if beginning.starts(with: ZstdSource.magic) {
      source = PeekedSource(try ZstdSource(source, name: path))
    } else {
      try expectText(beginning)
    }
    let firstLine = LineReader.withoutByteOrderMark(try source.peekLine())
    let isExport = try holdsExport(firstLine)
    let name = isExport ? ExportHeader.type : path == "-" ? "-" : URL(fileURLWithPath: path).lastPathComponent
    let digest = String(FNV1a.hash(firstLine), radix: 16)
    return Opened(
      lines: LineReader(source), source: "\(name.prefix(200)) \(digest) \(roomPrefix.prefix(64))", isExport: isExport)
  }

  /// What else a file may begin with, and what to do then.
  private static let otherFormats: [(beginning: [UInt8], advice: String)] = [
    ([0x1F, 0x8B], "is compressed with gzip, which is not read here: zcat FILE | palaver import -"),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "is compressed with xz, which is not read here: xzcat FILE | palaver import -"),
    ([0x42, 0x5A, 0x68], "is compressed with bzip2, which is not read here: bzcat FILE | palaver import -"),
    ([0x50, 0x4B, 0x03, 0x04], "is a zip archive: unzip -p FILE | palaver import -"),
    ([0xFF, 0xFE], "is UTF-16; expected UTF-8: iconv -f UTF-16 -t UTF-8 FILE | palaver import -"),
    ([0xFE, 0xFF], "is UTF-16; expected UTF-8: iconv -f UTF-16 -t UTF-8 FILE | palaver import -"),
  ]

  private func expectText(_ beginning: [UInt8]) throws {
    if let other = Self.otherFormats.first(where: { beginning.starts(with: $0.beginning) }) {
      throw ImportSourceError("\(path) \(other.advice)")
    }
    if path.hasSuffix(".zst"), !beginning.isEmpty, beginning.first != UInt8(ascii: "{") {
      throw ImportSourceError("\(path) is no zstd stream, nor lines of JSON: its beginning is damaged")
    }
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
