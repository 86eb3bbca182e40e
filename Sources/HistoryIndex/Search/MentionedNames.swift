import Foundation

/// What the names may be that a text mentions: what follows each `@`, up to a space.
///
/// Names may have any character but spaces there, so that it cannot be told where punctuation begins. All that may be
/// meant is kept: `@bob's!` gives `bob's!`, `bob's` and `bob`. Composed, as names are (NFC).
enum MentionedNames {
  private static let most = 50
  /// Bytes.
  private static let longest = 256
  /// What a look back at the character before an `@` takes in, in bytes.
  private static let reach = 16

  static func of(_ bytes: [UInt8]) -> [String] {
    var found: [String] = []
    for index in bytes.indices where bytes[index] == UInt8(ascii: "@") && found.count < most {
      // Not within a word: an address is no mention.
      if isBehindWord(bytes[..<index]) { continue }
      let whole = bytes[(index + 1)...].prefix { $0 > 0x20 && $0 != UInt8(ascii: "@") }
      for name in names(in: String(decoding: whole, as: UTF8.self)) where !found.contains(name) { found.append(name) }
    }
    return found
  }

  private static func isBehindWord(_ before: ArraySlice<UInt8>) -> Bool {
    guard let last = before.last else { return false }
    if last < 0x80 { return isWord(Unicode.Scalar(last)) }
    let scalars = String(decoding: before.suffix(reach), as: UTF8.self).unicodeScalars
    // Variation selectors and accents belong to what is before them; scripts without spaces have none there.
    guard let base = scalars.last(where: { TextScalar($0) != .nothing }) else { return false }
    return isWord(base) && !SearchFolding.isCJK(base)
  }

  private static func names(in text: String) -> [String] {
    let scalars = text.unicodeScalars
    let whole = scalars.prefix { $0.isASCII || !$0.properties.isWhitespace }
    guard !whole.isEmpty else { return [] }
    let stem = trimmed(whole.prefix(while: mayBeWithinName))
    let ends = [stem, withoutPossessive(stem), trimmed(whole), whole]
    return ends.map { name in
      let name = String(String.UnicodeScalarView(name))
      return name.utf8.allSatisfy { $0 < 0x80 } ? name : name.precomposedStringWithCanonicalMapping
    }
    .filter { !$0.isEmpty && $0.utf8.count <= longest }
  }

  /// Without what is no word at its end.
  private static func trimmed(_ name: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView {
    guard let last = name.lastIndex(where: isWord) else { return name.prefix(0) }
    return name[...last]
  }

  private static func withoutPossessive(_ name: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView {
    guard name.last == "s", let apostrophe = name.dropLast().last, apostrophe == "'" || apostrophe == "\u{2019}" else {
      return name.prefix(0)
    }
    return trimmed(name.dropLast(2))
  }

  private static func mayBeWithinName(_ scalar: Unicode.Scalar) -> Bool {
    isWord(scalar) || scalar == "." || scalar == "-" || scalar == "'" || scalar == "\u{2019}"
  }

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || SearchFolding.isWordScalar(scalar)
  }
}
