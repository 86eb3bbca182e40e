/// The characters of a text without regard to case, width and accents, and what each is.
protocol FoldedCharacters {
  var count: Int { get }
  func kind(_ index: Int) -> FoldedText.Class
  func scalar(_ index: Int) -> Unicode.Scalar
  func string(_ range: Range<Int>) -> String
}

extension FoldedText: FoldedCharacters {
  var count: Int { classes.count }
  func kind(_ index: Int) -> Class { classes[index] }
  func scalar(_ index: Int) -> Unicode.Scalar { scalars[index] }
  func string(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(scalars[range])) }
}

/// What `FoldedText` makes of a text that is all ASCII, at a small part of its cost.
struct FoldedASCII: FoldedCharacters {
  private let bytes: [UInt8]

  init(_ text: String) { bytes = text.utf8.map { TextCutter.lowercased($0) ?? $0 } }

  var count: Int { bytes.count }

  func kind(_ index: Int) -> FoldedText.Class {
    let byte = bytes[index]
    if TextCutter.lowercased(byte) != nil { return .word }
    return FoldedText.isSymbol(ascii: byte) || byte == UInt8(ascii: ":") && isBesideColon(index) ? .symbol : .other
  }

  private func isBesideColon(_ index: Int) -> Bool {
    index > 0 && bytes[index - 1] == bytes[index] || index + 1 < count && bytes[index + 1] == bytes[index]
  }

  func scalar(_ index: Int) -> Unicode.Scalar { Unicode.Scalar(bytes[index]) }
  func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}
