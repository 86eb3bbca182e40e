/// What a text can be found by beside its words: the words in camelCase names, words with their signs (`c++`, `#12`),
/// versions without their `v`. Elasticsearch has a field for them that most messages lack; SQLite, tags.
struct ExtraTerms: Sendable, Equatable {
  /// Folded words of camelCase names.
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
      parts = Self.distinct(Self.parts(of: text).map(\.text))
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

  // MARK: camelCase

  /// The words in the camelCase names of a text: `getUserByID` → `get`, `user`, `by`, `id`.
  static func parts(of text: String) -> [TextToken] {
    let units = Array(text.utf16)
    var found: [TextToken] = []
    var index = 0
    while index < units.count {
      guard isWord(units[index]) else {
        index += 1
        continue
      }
      let end = units[index...].firstIndex { !isWord($0) } ?? units.count
      if end - index > shortestPart { append(parts: index..<end, of: units, to: &found) }
      index = end
    }
    return found
  }

  private static func append(parts run: Range<Int>, of units: [UInt16], to found: inout [TextToken]) {
    let cuts = run.dropFirst().filter { isCut(units, $0, in: run) }
    guard !cuts.isEmpty else { return }
    for (start, end) in zip([run.lowerBound] + cuts, cuts + [run.upperBound]) where end - start >= shortestPart {
      let text = String(decoding: units[start..<end], as: UTF16.self)
      found.append(TextToken(text: SearchFolding.analyzed(text), start: start, end: end))
    }
  }

  /// Whether a word of a camelCase name begins there, behind the beginning of the whole name.
  ///
  /// - Parameter units: UTF-16 units, or bytes of ASCII.
  static func isCut<Unit: FixedWidthInteger & UnsignedInteger>(_ units: [Unit], _ index: Int, in run: Range<Int>)
    -> Bool
  {
    guard index > run.lowerBound, isCapital(units[index]) else { return false }
    let isBeforeSmall = index + 1 < run.upperBound && isSmall(UInt16(units[index + 1]))
    return !isCapital(units[index - 1]) || isBeforeSmall
  }

  /// ASCII, and small letters of other alphabets between.
  private static func isWord(_ unit: UInt16) -> Bool { isCapital(unit) || isSmall(unit) || isDigit(unit) }
  private static func isCapital<Unit: FixedWidthInteger>(_ unit: Unit) -> Bool { 0x41...0x5A ~= unit }
  private static func isDigit<Unit: FixedWidthInteger>(_ unit: Unit) -> Bool { 0x30...0x39 ~= unit }
  private static func isSmall(_ unit: UInt16) -> Bool { 0x61...0x7A ~= unit || 0xDF...0x24F ~= unit }

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
      case 0x2000...0x2043, 0x3001...0x3003, 0x3041...0x3096, 0x309D...0x30FF: break
      case 0xA2...0xF7, 0x2C2...0x3FF, 0x2044...0x2BFF, 0x3000...0x33FF, 0xFE00..., 0x1F000...:
        if FoldedText.isSymbol(scalar) { return true }
      default: break
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

  private static func isBoundary(_ byte: UInt8) -> Bool {
    byte < 0x80 && TextCutter.lowercased(byte) == nil
  }

  /// A word of a query that may be a part of a camelCase name.
  static func part(_ tokens: [TextToken]) -> String? {
    guard tokens.count == 1, let text = tokens.first?.text, text.utf8.count >= shortestPart,
      text.unicodeScalars.first?.isASCII == true
    else { return nil }
    return text
  }
}
