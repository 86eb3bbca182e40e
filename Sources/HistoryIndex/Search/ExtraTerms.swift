/// What a text can be found by beside its words: the words in camelCase names, words with their signs (`c++`, `#12`),
/// versions without their `v`. Elasticsearch has a field for them that most messages lack; SQLite, tags.
struct ExtraTerms: Sendable, Equatable {
  /// Folded words of camelCase names.
  var parts: [String] = []
  /// Signs, with the words that touch them and alone; versions.
  var signs: [String] = []

  private static let shortestPart = 2

  init(_ text: String) {
    var isCamel = false
    var hasSign = false
    var hasVersion = false
    var last: UInt8 = 0x20
    var lastButOne = last
    for byte in text.utf8 {
      isCamel = isCamel || Self.isCamel(lastButOne, last, byte)
      hasSign = hasSign || byte >= 0x80 || Self.isSign(byte) || byte == UInt8(ascii: ":") && last == byte
      hasVersion = hasVersion || Self.isDigit(byte) && last | 0x20 == UInt8(ascii: "v")
      lastButOne = last
      last = byte
    }
    if isCamel { parts = Set(Self.parts(of: text).map(\.text)).sorted() }
    var found: Set<String> = []
    if hasSign, Self.holdsSign(text) { found = Set(Self.signs(of: FoldedText(text))) }
    if hasVersion { found.formUnion(Self.versions(in: text)) }
    signs = found.sorted()
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

  /// `aB`, or `ABc`.
  private static func isCamel(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Bool {
    if isCapital(third) { return !isCapital(second) && (second >= 0x80 || TextCutter.lowercased(second) != nil) }
    return isCapital(second) && isCapital(first) && (third >= 0x80 || isSmall(UInt16(third)))
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
  static func signs(of text: FoldedText, isPrefix: Bool = false) -> [String] {
    var found: [String] = []
    var index = 0
    while index < text.classes.count {
      guard text.classes[index] == .symbol else {
        index += 1
        continue
      }
      let end = text.classes[index...].firstIndex { $0 != .symbol } ?? text.classes.count
      let before = text.classes[..<index].lastIndex { $0 != .word }.map { $0 + 1 } ?? 0
      let after = text.classes[end...].firstIndex { $0 != .word } ?? text.classes.count
      let isCut = isPrefix && after == text.classes.count
      let run = text.scalars[index..<end]
      func append(_ range: Range<Int>) { found.append(String(String.UnicodeScalarView(text.scalars[range]))) }
      if !(isCut && end == after) {
        if run.count > 1 || !text.scalars[index].isASCII { append(index..<end) }
        if before < index, run.count > 1 || !isCommon(text.scalars[index]) { append(before..<end) }
      }
      if end < after, !isCut, run.count > 1 || !isCommon(text.scalars[index]) { append(index..<after) }
      index = end
    }
    return found.filter { $0.utf8.count <= longestTerm }
  }

  private static func isCommon(_ sign: Unicode.Scalar) -> Bool { "*=<>|".unicodeScalars.contains(sign) }

  /// Longer ones are in no index, and asked of none.
  static let longestTerm = 256

  private static func isSign(_ byte: UInt8) -> Bool {
    byte < 0x80 && FoldedText.isSymbol(Unicode.Scalar(byte))
  }

  private static func holdsSign(_ text: String) -> Bool {
    var isAfterColon = false
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x3A:
        if isAfterColon { return true }
      case ..<0x80, 0xA2...0xF7, 0x2C2...0x3FF, 0x2000...0x2BFF, 0x3000...0x33FF, 0xFE00..., 0x1F000...:
        if FoldedText.isSymbol(scalar) || 0xFF01...0xFF5E ~= scalar.value { return true }
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
