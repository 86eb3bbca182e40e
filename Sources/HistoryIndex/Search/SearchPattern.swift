/// How a word, phrase or beginning that a query names is looked for in a text.
struct SearchPattern: Sendable {
  /// Tokens that stand next to each other; any of these.
  private var phrases: [[String]] = []
  /// A part of a name.
  private var part: String?
  /// The same as bytes.
  private var bytes: (phrases: [[[UInt8]]], part: [UInt8]?) = ([], nil)
  /// With symbols: as it stands.
  private var signs: FoldedText?
  private var isPrefix = false
  private var literal: [UInt16] = []

  /// Marks of one text.
  private static let most = 1_000

  /// `nil` for what is not looked for in texts.
  init?(_ leaf: SearchQuery) {
    switch leaf {
    case .word(let text):
      words(text, leaf)
      if ExtraTerms.isVersion(text), let first = phrases.first { phrases.append(["v" + first[0]] + first.dropFirst()) }
    case .phrase(let text): words(text, leaf)
    case .prefix(let text):
      isPrefix = true
      words(text, leaf)
    case .literal(let text): literal = Array(text.utf16)
    default: return nil
    }
    if case .phrase = leaf { part = nil }
    bytes = (phrases.map { $0.map { Array($0.utf8) } }, part.map { Array($0.utf8) })
  }

  private mutating func words(_ text: String, _ leaf: SearchQuery) {
    var analysis = TextAnalysis()
    let tokens = analysis.tokens(text)
    if !tokens.isEmpty { phrases = [tokens.map(\.text)] }
    part = ExtraTerms.part(tokens)
    if LiteralCheck.isNeeded(for: leaf) { signs = FoldedText(isPrefix ? text : LiteralCheck.trimmed(text)) }
  }

  /// Where it stands, in UTF-16 units.
  func ranges(in text: AnalyzedText) -> [Range<Int>] {
    if !literal.isEmpty { return Self.find(literal, in: Array(text.text.utf16)) }
    if let signs { return FoldedText(text.text).ranges(of: signs, isPrefix: isPrefix, most: Self.most) }
    var found: [Range<Int>] = []
    for phrase in phrases { find(phrase, in: text.tokens, &found) }
    if let part = bytes.part { found += ScannedText.ranges(of: part, among: text.parts, isPrefix: isPrefix) }
    return found
  }

  /// The same in a text that need not be cut; `nil` where it has too many marks to tell the first of them so.
  func ranges(in text: String, _ scanned: ScannedText) -> [Range<Int>]? {
    if !literal.isEmpty { return Self.find(literal, in: Array(text.utf16)) }
    if let signs { return FoldedText(text).ranges(of: signs, isPrefix: isPrefix, most: Self.most) }
    var found: [Range<Int>] = []
    for phrase in bytes.phrases { found += scanned.ranges(of: phrase, isPrefix: isPrefix) }
    guard found.count < Self.most else { return nil }
    if let part = bytes.part { found += scanned.ranges(ofPart: part, isPrefix: isPrefix) }
    return found
  }

  func matches(_ text: AnalyzedText) -> Bool { !ranges(in: text).isEmpty }

  private func find(_ wanted: [String], in tokens: [TextToken], _ found: inout [Range<Int>]) {
    guard let last = wanted.indices.last, tokens.count > last else { return }
    for first in 0..<(tokens.count - last) where found.count < Self.most {
      guard (0..<last).allSatisfy({ tokens[first + $0].text == wanted[$0] }) else { continue }
      let end = tokens[first + last]
      guard isPrefix ? end.text.utf8.starts(with: wanted[last].utf8) : end.text == wanted[last] else { continue }
      found.append(tokens[first].start..<max(tokens[first].start, end.end))
    }
  }

  private static func find(_ wanted: [UInt16], in units: [UInt16]) -> [Range<Int>] {
    guard let head = wanted.first, units.count >= wanted.count else { return [] }
    var found: [Range<Int>] = []
    for start in 0...(units.count - wanted.count) where units[start] == head && found.count < most {
      let range = start..<(start + wanted.count)
      if units[range].elementsEqual(wanted) { found.append(range) }
    }
    return found
  }
}

/// A text with its words cut.
struct AnalyzedText: Sendable {
  let text: String
  let tokens: [TextToken]
  /// The parts of names.
  let parts: [TextToken]

  init(_ text: String) {
    self.init(text, SharedAnalysis())
  }

  init(_ text: String, _ analysis: SharedAnalysis) {
    self.text = text
    tokens = analysis.tokens(text)
    parts = NameParts.of(text)
  }
}
