import Foundation

/// An input of an import: a file, compressed or not, or standard input.
struct ImportFile {
  /// As it was given; `-` is standard input.
  var path: String

  /// What lines come of it, and how an import of it is known again: by its name, its first line and the rooms' prefix.
  func open(roomPrefix: String) throws -> (reader: LineReader, source: String) {
    var source = PeekedSource(try FileSource(path: path))
    if try source.peek().starts(with: ZstdSource.magic) {
      source = PeekedSource(try ZstdSource(source, name: path))
    }
    let firstLine = try source.peek().prefix { $0 != UInt8(ascii: "\n") }
    let name = path == "-" ? "-" : URL(fileURLWithPath: path).lastPathComponent
    let digest = String(FNV1a.hash(firstLine), radix: 16)
    return (LineReader(source), "\(name.prefix(200)) \(digest) \(roomPrefix.prefix(64))")
  }
}

/// Fowler, Noll and Vo's hash 1a with 64 bits: fast, and good enough to tell files and lines apart.
enum FNV1a {
  static func hash(_ bytes: some Sequence<UInt8>, seed: UInt64 = 0xCBF2_9CE4_8422_2325) -> UInt64 {
    bytes.reduce(seed) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
  }
}
