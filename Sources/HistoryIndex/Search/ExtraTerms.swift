/// What a text can be found by beside its words: the parts of names (`getUser`), words with their signs (`c++`, `#12`),
/// versions without their `v`. Elasticsearch has a field for them that most messages lack; SQLite, tags.
struct ExtraTerms: Sendable, Equatable {
  /// Folded parts of names of mixed case (`NameParts`).
  var parts: [String] = []
  /// Signs, with the words that touch them and alone; versions.
  var signs: [String] = []

  private static let shortestPart = 2

  init(_ text: String) { self.init(text, traits: TextTraits(text)) }

  /// - Parameter traits: the text's.
  init(_ text: String, traits: TextTraits) {
    if traits.isDisjoint(with: [.beyondASCII, .camelCase, .sign, .version]) { return }
    let isASCII = !traits.contains(.beyondASCII)
    if traits.contains(.camelCase) {
      parts = Self.distinct(NameParts.of(text).map(\.text))
    }
    var found: [String] = []
    if isASCII {
      if traits.contains(.sign) { found = Self.signs(of: FoldedASCII(text)) }
    } else if Self.holdsSign(text) {
      found = Self.signs(of: FoldedText(text))
    }
    if traits.contains(.version) { found += Self.versions(in: text) }
    signs = Self.distinct(found)
  }

  /// Each once, in order.
  private static func distinct(_ terms: [String]) -> [String] {
    guard terms.count > 1 else { return terms }
    var distinct: [String] = []
    for term in terms.sorted() where term != distinct.last { distinct.append(term) }
    return distinct
  }

  // MARK: Signs

  /// Each run of signs with the word before it, with the word behind it, and alone. Not those that are everywhere and
  /// tell nothing: `#` or `=` alone, `*` and `>` beside a word.
  ///
  /// - Parameter isPrefix: of a query whose end may be within a word: what stands there is left out.
  static func signs(of text: some FoldedCharacters, isPrefix: Bool = false) -> [String] {
    var found: [String] = []
    var index = 0
    while index < text.count {
      guard text.kind(index) == .symbol else {
        index += 1
        continue
      }
      let start = index
      repeat { index += 1 } while index < text.count && text.kind(index) == .symbol
      var before = start
      while before > 0, text.kind(before - 1) == .word { before -= 1 }
      var after = index
      while after < text.count, text.kind(after) == .word { after += 1 }
      let isCut = isPrefix && after == text.count
      let isLong = index - start > 1
      func append(_ range: Range<Int>) {
        let term = text.string(range)
        if term.utf8.count <= longestTerm { found.append(term) }
      }
      if !(isCut && index == after) {
        if isLong || !text.scalar(start).isASCII { append(start..<index) }
        if before < start, isLong || !isCommon(text.scalar(start)) { append(before..<index) }
      }
      if index < after, !isCut, isLong || !isCommon(text.scalar(start)) { append(start..<after) }
    }
    return found
  }

  private static func isCommon(_ sign: Unicode.Scalar) -> Bool {
    switch sign {
    case "*", "=", "<", ">", "|": true
    default: false
    }
  }

  /// Longer ones are in no index, and asked of none.
  static let longestTerm = 256

  /// Whether there may be a sign in a text that is not all ASCII. Letters and what sentences are made of are passed over
  /// without a look at their properties.
  private static func holdsSign(_ text: String) -> Bool {
    var isAfterColon = false
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x3A:
        if isAfterColon { return true }
      case ..<0x80:
        if FoldedText.isSymbol(ascii: UInt8(truncatingIfNeeded: scalar.value)) { return true }
      // Fullwidth: symbols and colons count as their plain forms, the rest is no sign.
      case 0xFF1A: return true
      case 0xFF01...0xFF5E:
        if FoldedText.isSymbol(ascii: UInt8(truncatingIfNeeded: scalar.value - 0xFEE0)) { return true }
      case 0x80...0xA1, 0xF8...0x2C1, 0x400...0x481, 0x48A...0x58C, 0x590...0x605, 0x620...0x6DD, 0x904...0x9F1,
        0xE01...0xE3E, 0xE40...0xEFF, 0x2000...0x2043, 0x3001...0x3003, 0x3041...0x3096, 0x309D...0x30FF,
        0x3400...0x4DBF, 0x4E00...0xA48F, 0xAC00...0xD7FF:
        break
      default: if FoldedText.isSymbol(scalar) { return true }
      }
      isAfterColon = scalar == ":"
    }
    return false
  }

  // MARK: Versions

  /// `v1.2.3` → `1.2`, `1.2.3`.
  private static func versions(in text: String) -> [String] {
    let bytes = Array(text.utf8)
    var found: [String] = []
    for index in bytes.indices where bytes[index] | 0x20 == UInt8(ascii: "v") {
      if index > 0, !isBoundary(bytes[index - 1]) { continue }
      let number = bytes[(index + 1)...].prefix { isDigit($0) || $0 == UInt8(ascii: ".") }
      let groups = String(decoding: number, as: UTF8.self).split(separator: ".", omittingEmptySubsequences: false)
      let whole = groups.prefix { !$0.isEmpty }
      if whole.count < 2 || number.count > longestTerm { continue }
      found += (2...whole.count).map { whole.prefix($0).joined(separator: ".") }
    }
    return found
  }

  /// A word of a query that is a version, which a `v` may stand before.
  static func isVersion(_ word: String) -> Bool {
    let groups = word.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return groups.count >= 2 && groups.allSatisfy { !$0.isEmpty && $0.allSatisfy(isDigit) }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

  private static func isBoundary(_ byte: UInt8) -> Bool {
    byte < 0x80 && TextCutter.lowercased(byte) == nil
  }

  /// A word of a query that may be a part of a name.
  static func part(_ tokens: [TextToken]) -> String? {
    guard tokens.count == 1, let text = tokens.first?.text, text.utf8.count >= shortestPart,
      text.unicodeScalars.first?.isASCII == true
    else { return nil }
    return text
  }
}
